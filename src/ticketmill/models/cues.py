"""Lists of words and phrases of up to three tokens that hint at a label.

General English, written for this project. `#` stands for any number. A list groups words of the same
meaning; the heads learn how much each list says.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PRAISE = "praise"
COMPLAINT = "complaint"
NEGATION = "negation"
FAULT = "fault"

_CUES = {
    PRAISE: """
        amazing awesome beautiful best better brilliant delight delighted delightful easy effortless enjoy
        enjoyed enjoying enjoyable excellent excited fabulous fan fantastic fast fave favorite favourite
        flawless flawlessly friendly fun generous glad good gorgeous great happier happy helpful hero heroes
        honest impressed impressive incredible kind kindly kindness kudos lifesaver love loved lovely loves
        loving magic marvellous neat nice nicely outstanding patient perfect perfectly pleasant pleased
        pleasure polite politely praise proud quick quickly recommend recommended rock rocks rocked satisfied
        seamless seamlessly smile smiling smooth smoothly spotless stellar super superb sweet terrific
        thorough thoughtful top tremendous win winner wonderful wow yay
        well|done made|my|day keep|it|up hats|off can't|wait look|forward looking|forward five|stars
        shout|out works|great works|perfectly works|beautifully so|much|easier saved|me saved|us
        😀 😃 😄 😁 😊 🙂 😍 🥰 👍 ❤ 💚 💙 💜 🎉 😂 😎 ✨ 🙌 👏 💯 ☺ 😘 😇 🤩 ♥ 😉 :|) :|-|) :|d ;|) <|3
    """,
    "thanks": """
        thank thanks thx ty cheers grateful gratefully gratitude appreciate appreciated appreciates
        appreciation thankful bless
    """,
    "polite_thanks": """
        in|advance thanks|, thank|you|, thanks|. thank|you|. kind|regards best|regards many|thanks
        thank|you|for
    """,
    COMPLAINT: """
        absurd abysmal angry annoyed annoying annoyance appalled appalling arrogant ashamed atrocious awful
        bad badly bother broke broken careless cheated clueless complain complained complaining complaint
        confusing crap damn dear disappointed disappointing disappointment disaster disgrace disgraceful
        disgusted disgusting dishonest dismal dreadful embarrassed embarrassing enough excuse excuses
        exhausted exhausting fail failed failing fails failure farce fault frustrated frustrating frustration
        fuming furious garbage hate hated hell hopeless horrendous horrible horrid ignored ignoring ignore
        impossible incompetent inconvenience inconvenient inexcusable insane insult insulting irritated
        irritating joke junk lame laughable lazy liar lie lied lies ludicrous mad mess messed miserable
        misleading mislead misled negligent nightmare nonsense outrage outraged outrageous painful pathetic
        poor poorly problem ridiculous rip-off robbery rubbish rude ruin ruined ruining sad scam shame
        shameful shambles shocked shocking shoddy sick silly sloppy slow stressful stupid suck sucked sucks
        terrible terribly tired trash ugh unacceptable unbelievable unfair unhappy unhelpful unimpressed
        unprofessional unreliable unusable upset upsetting useless waste wasted wasting worse worst wrong wtf
        fed|up sick|of tired|of rip|off let|down lost|my|bag worst|ever how|hard|is not|good not|happy
        not|impressed not|acceptable not|cool not|ok not|okay never|again no|response no|reply no|answer
        no|one|answers nobody|answers no|help waiting|for still|waiting still|no still|not on|hold hung|up
        hang|up passed|around over|an|hour #|hours for|# hours|late get|it|together do|better
        😡 😠 🤬 😤 😞 😢 😭 😩 😫 🙄 👎 😒 💔 😔 😟 😕 ☹ 😣 😖 🤦 😑 :|( :|-|( :|/
    """,
    "waiting": """
        wait waited waiting delay delayed delays late later overdue stranded stuck missed missing lost
        cancelled canceled cancel hold hours weeks months twice again still yet finally already ever
        third|time second|time since|then days|ago weeks|ago months|ago for|days for|weeks for|months
    """,
    "disbelief": """
        apparently seriously really supposedly surely clearly obviously somehow literally absolutely
        ever zero anyone why how|come so|called of|course well|done great|job lucky|me how|nice how|lovely
        yet|another what|a|joke bravo congratulations ... …
    """,
    "blame": """
        you|people you|guys your|company your|service your|staff you|have|not you|never you|keep you|said
        you|told nobody no|one noone none nothing never leave|you leaving|you switch|to switching
        competitor elsewhere cancel|my lawyer ombudsman trading|standards
    """,
    "worry": """
        worry worried worries worrying scared afraid concern concerned concerning nervous panic panicking
        desperate desperately anxious frightened uneasy alarmed scary
    """,
    NEGATION: """
        not no none never neither nor cannot can't cant couldn't couldnt won't wont wouldn't wouldnt don't
        dont doesn't doesnt didn't didnt isn't isnt wasn't wasnt aren't arent weren't haven't hasn't hadn't
        shouldn't nothing without hardly barely ain't
    """,
    "whole": """
        all every whole entire everyone everybody nobody none everything everywhere company-wide companywide
        company|wide
    """,
    "many_people": """
        everyone everybody nobody|can no|one|can all|our all|of|our all|the all|of|us all|users all|customers
        all|staff all|stores all|sites all|branches all|shops all|tills all|lines all|offices all|employees
        all|agents whole|team whole|office whole|company whole|site whole|floor whole|department
        whole|building whole|store whole|shop whole|school entire|team entire|office entire|company
        entire|site entire|store entire|school entire|department many|customers many|people many|users
        dozens hundreds thousands our|customers our|users our|guests our|patients our|clients every|customer
        every|user every|store every|site every|branch every|terminal #|people #|users #|stores #|customers
        #|sites #|employees #|staff #|patients #|agents #|of|us
    """,
    "stopped": """
        down stopped standstill stuck outage unable blocked halt halted dead offline queue queues queuing
        losing lost breach breached stolen leak leaked leaking emptied drained draining ongoing safety
        emergency ambulance ransom ransomware evacuated unsafe danger dangerous smoke fire closed stop stops
        can't|work can't|open can't|sell can't|take can't|ship can't|pay can't|do can't|access cannot|work
        cannot|open cannot|sell cannot|take cannot|ship cannot|pay cannot|access right|now as|we|speak
        every|minute every|hour no|workaround nothing|works at|a|standstill fully|down completely|down
    """,
    "deadline": """
        today tonight tomorrow deadline eod due expires expire departs depart midnight noon midday
        this|morning this|afternoon this|evening an|hour one|hour two|hours three|hours #|hours #|hour
        #|minutes #|mins #|min by|noon by|# by|tomorrow by|tonight before|noon before|# before|tomorrow
        end|of|day within|the|hour closes|at closes|in #|am #|pm at|# in|an|hour leaves leaving
        tmrw tmr tomorow tommorow tommorrow 2morrow tonite 2nite 2day in|#|min in|#|mins in|#|minutes
        in|#|h in|two|hours starts|at starts|# opens|at opens|# doors|# due|in due|at last|day last|chance
    """,
    "days": """
        days weekend monday tuesday wednesday thursday friday saturday sunday next|week this|week
        next|monday next|tuesday next|wednesday next|thursday next|friday on|monday on|tuesday on|wednesday
        on|thursday on|friday end|of|week end|of|month end|of|the a|few|days in|a|week #|days
    """,
    "no_hurry": """
        no|rush no|hurry no|urgency no|pressure no|stress not|urgent whenever when|you|have when|you|get
        when|you|can someday some|day can|wait at|some|point eventually in|the|future low|priority minor
        cosmetic typo small|thing tiny just|a just|one just|wondering just|curious just|wanted curious wonder
        wondering next|month next|year next|quarter next|term next|season next|spring next|summer
        next|autumn next|winter nothing|urgent nice|to|have not|a|big
    """,
    "workaround": """
        workaround work|around for|now meantime meanwhile by|hand manually instead other|browser other|phone
        other|computer other|device other|card if|i|reload if|i|restart if|i|refresh still|works still|work
        works|fine works|ok works|okay work|fine sometimes occasionally most|of|the fine|on fine|in fine|with
        another|browser another|device after|a|refresh can|live|with can|manage
    """,
    FAULT: """
        crash crashes crashed crashing freezes frozen error errors broken broke fails failed lost missing
        wrong late cancelled canceled deleted disappeared vanished gone logged|out twice again declined
        refused rejected offline stuck empty locked cut|off timed|out doesn't|work not|working won't|load
        does|nothing did|not doesn't|load never|arrived never|received never|came on|hold no|reply
        still|no still|not charged|me didn't
    """,
    "worse": "worse worsening more|and|more growing grows spreading spread increasing increased escalating",
    "urgent_word": """
        urgent urgently urgency asap immediate immediately critical emergency p1 sev1 hurry now quickly
        soonest straight|away right|away as|soon|as at|once
    """,
    "wish": """
        would|be would|love would|like could|you it'd|be wish idea ideas suggest suggestion suggestions
        request please|add any|plans any|chance feature it|would|be ability|to option|to possible|to
        would|it hoping roadmap consider
    """,
    "question": """
        how|do how|can how|does how|long how|much what|is what|are when|will where|is where|can which is|it
        is|there are|there do|you does|the can|i can|you could|you may|i should|i question questions
        wondering|if
    """,
    "business": """
        customer customers client clients staff team colleague colleagues office store stores employee
        employees users guests patients pupils students tenants drivers suppliers warehouse production
    """,
    "at_stake": """
        payroll rent work exam exams flight train meeting interview closing salary salaries wages wage
        surgery appointment wedding audit tax court visa mortgage medication medicine launch go-live
        invoice|run prescription insulin heating food
    """,
    "intruder": """
        hacked hacker phishing fraud fraudulent unauthorised unauthorized suspicious scammer stolen identity
        someone|else not|me wasn't|me did|not|make didn't|make vulnerability exposed malware
        impersonating spoofed exploit
    """,
    "machine": "traceback exception stacktrace stderr null undefined error|: error|code #|:|#",
    "money": """
        $|# €|# £|# eur usd gbp #|eur #|usd #|euros #|dollars #|pounds refund refunded charged overcharged
        double|charged charged|twice money
    """,
}

CUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: tuple(phrase.replace("|", " ") for phrase in phrases.split()) for name, phrases in _CUES.items()}
)
"""The phrases of each list, with blanks between tokens."""
