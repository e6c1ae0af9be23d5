"""Markup goes, its words stay, and every offset holds."""

from __future__ import annotations

import random
import time

import pytest

from ticketmill.text.markup import plain_text

SECRET = "bXkgY2FyZCBpcyBibG9ja2VkIHBsZWFzZSBoZWxwIG1lIHRvZGF5"  # my card is blocked please help me today
IMAGE = "\n".join(["iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfD5wA"] * 3)


def words(text: str) -> str:
    """What is left of `text`, without the blanks."""
    plain = plain_text(text)
    assert len(plain) == len(text)
    return "\n".join(line for each in plain.split("\n") if (line := " ".join(each.split())))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<p>Dear&nbsp;Sirs,</p><p>it&#39;s &quot;gone&quot;.<br/>Ok?</p>", 'Dear Sirs,\nit\'s "gone".\nOk?'),
        ("<html><head><title>x</title><style>p{color:red}</style></head><body>Hi</body></html>", "Hi"),
        ("<!DOCTYPE html>\n<html lang=en><body><p>Hi</p><script>a<b</script></body></html>", "Hi"),
        ('<p class=MsoNormal><span lang="DE">Hallo<o:p></o:p></span></p>', "Hallo"),
        ("<!--[if gte mso 9]><xml>1</xml><![endif]--><p>Hi</p><![if !mso]>there<![endif]>", "Hi\nthere"),
        ("Hello<br>my card is blocked<br>Tom", "Hello\nmy card is blocked\nTom"),
        ("please <b>help</b> me", "please help me"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<table><tr><td>one</td><td>two</td></tr><tr><td>three</td></tr></table>", "one two\nthree"),
        ("&lt;p&gt;Hi folks,&lt;/p&gt;&lt;p&gt;thanks&lt;/p&gt;", "Hi folks,\nthanks"),
        ("Merc&egrave; &#1087;&#x440; &amp;amp; &lt;3", "Mercè пр & <3"),
        ("<STYLE>.a{}</STYLE><P>Loud</P>", "Loud"),
    ],
)
def test_html_leaves_its_words_and_its_lines(text: str, left: str) -> None:
    assert words(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "I <3 it",
        "if (x < 10 && y > 5) return",
        "List<String> and Map<K, V> of Vec<u8>",
        "write to <tom@example.com> or Tom <tom.b@example.com>",
        '<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>',
        "<order><id>5</id><code>9</code></order>",
        "The heading uses <h1> instead of <h2>",
        'It stores {"label":"<img src=x onerror=alert(1)>"} as is',
        "`<b>x</b>` is shown raw",
        "at Object.<anonymous> (src/main.js:4:1)",
        "R&D; AT&T, a&b; tail",
        "Q&A at 5",
    ],
)
def test_signs_that_look_like_html_stay(text: str) -> None:
    assert plain_text(text) == text


def test_code_keeps_its_tags_and_loses_its_fence() -> None:
    assert (
        words("It says\n```html\n<p>x</p>\n```\n<p>please help</p><p>me</p>")
        == "It says\n<p>x</p>\nplease help\nme"
    )
    assert words("{code:java}List<a> x; **no**{code} fails") == "List<a> x; **no** fails"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see [the manual](docs/a.md) and ![logo](x.png)", "see the manual and"),
        ("# What I do\n**Every day** I wait", "What I do\nEvery day I wait"),
        (
            "h2. Steps\n{color:red}Red{color} [~anna] see [page|https://x.y/z] !shot.png|thumbnail!",
            "Steps\nRed see page",
        ),
        ("see https://x.y/z. Or www.x.y/a?b=1, thanks", "see . Or , thanks"),
        ("<https://x.y> and mailto:a@b.c now", "and now"),
        ("@united thanks @tom_b", "thanks"),
        (
            "logo: [cid:image001.png@01D9] [image: Acme] [Bild: Logo] <image003.jpg> [PO_22.pdf, 214 kB]",
            "logo:",
        ),
        ("line one\\nline two\\r\\n\\tline three", "line one\nline two\nline three"),
    ],
)
def test_light_markup_leaves_its_words(text: str, left: str) -> None:
    assert words(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "mail me@example.com or a.b@c.example.org",
        "new people get @example.org",
        "peer react from @quillsign/react@4.0.2",
        "f(**kwargs) and 2 ** 3 ** 4",
        "issue #12, C# and # 5",
        "a [x] in {id} of {{name}}",
        "C:\\new\\table\\notes",
        "\\\\server\\new\\notes\\readme",
        'split("\\n") and join("\\r\\n") fail',
        "the regex \\d+\\n stays",
        "item[0](1) is a call",
        "Wow! That is great! Really!",
    ],
)
def test_signs_that_look_like_light_markup_stay(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("=?utf-8?Q?tracking_page?=", "tracking page"),
        ("=?iso-8859-1?Q?Cat=E1logo?= =?utf-8?B?w6TDtg==?=", "Catálogoäö"),
        ("It d=\nidn=E2=80=99t work,=20\nG. Pettifer", "It didn’t work,\nG. Pettifer"),
        ("Die T=FCr ist f=FCr immer zu", "Die Tür ist für immer zu"),
        (SECRET, "my card is blocked please help me today"),
        (f"Hello\n\n{IMAGE}\n\nThanks", "Hello\nThanks"),
        ("begin 644 a.txt\n#0V%T\n`\nend\nHello", "Hello"),
        ("From: a@b.c\nContent-Type: text/plain; charset=3DUTF-8\n\nHello", "Hello"),
        (
            "--x1\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVsbG8gdGhlcmU=\n"
            "--x1\nContent-Type: text/html\n\n<p>Hello there</p>\n--x1--\n",
            "Hello there",
        ),
        ('Hi\n--p0\nContent-Type: image/gif; name="h.gif"\nR0lGODlhNOTREAL==\n--p0--', "Hi"),
        ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHi\n-----BEGIN PGP SIGNATURE-----\niQE\n=ab\n"
         "-----END PGP SIGNATURE-----", "Hi"),
        ("Hash: SHA512\n\nHi\n-----BEGIN PGP SIGNATURE-----\nwsB\n-----END PGP SIGNATURE-----\nPS ok",
         "Hi\nPS ok"),
        (
            "leaked!\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----",
            "leaked!\n-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----",
        ),
    ],
)  # fmt: skip
def test_what_mail_left_undecoded_is_read(text: str, left: str) -> None:
    assert words(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "max_age=30 and ?x=41&y=20",
        "retries=20\ntimeout=30",
        "a=\nb=\n",
        "Heading\n=======\ntext",
        "color=FF00AA id=E4a7b",
        "sha256:\n9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\nThanks",
        "passwordresetpleasehelpme",
        "Content-Type: application/json is what I send",
        "From: Berlin Hbf\nTo: Paris Est\n\n2 tickets",
        "begin 644 times\nand end",
        "Hash: SHA256\n\nis what the page says",
    ],
)
def test_signs_that_look_like_encoded_mail_stay(text: str) -> None:
    assert plain_text(text) == text


SIGNS = [
    *"<>&;=?[](){}|!#*_`~\\/\"'@:.-+ \n\r\tab1Ü",
    *(
        "&amp;",
        "&lt;p&gt;",
        "&nbsp;",
        "<p>",
        "</p>",
        "<br>",
        "<!--",
        "-->",
        "<style>",
        "</style>",
        "=C3=A4",
        "=\n",
    ),
    *(
        "=20\n",
        "```\n",
        "{code}",
        "https://a.b/",
        "[x](y.z)",
        "\\n",
        "=?utf-8?Q?a=20b?=",
        "h1. ",
        "**",
        "&#60;b&#62;",
    ),
    *("--x\nContent-Type: text/html\n\n", "-----BEGIN PGP MESSAGE-----\n", "-----END PGP MESSAGE-----"),
    *("begin 644 x\n", "\nend"),
]
PIECES = [
    *(
        "Hello",
        "a < b",
        "1 > 0",
        "R&amp;D",
        "&lt;b&gt;bold&lt;/b&gt;",
        "<p>one</p>",
        "<br>",
        "<b>two</b>",
        "caf=C3=A9",
    ),
    *(
        "[x](y.z)",
        "**loud**",
        "# three",
        "https://a.b/c",
        "@tom",
        "=?utf-8?Q?a=20b?=",
        "&nbsp;",
        "h1. four",
        "max=30",
    ),
    *(
        "\n",
        "\n\n",
        "[cid:a.png]",
        "{color:red}",
        "<!-- c -->",
        "&#8217;s",
        "it&rsquo;s,",
        "{{name}}",
        "~",
        "-",
    ),
]


@pytest.mark.parametrize("seed", range(200))
def test_any_signs_keep_their_length(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choices(SIGNS, k=chance.randint(1, 60)))
    assert len(plain_text(text)) == len(text)


@pytest.mark.parametrize("seed", range(200))
def test_a_plain_text_has_no_more_markup(seed: int) -> None:
    chance = random.Random(seed)
    plain = plain_text(" ".join(chance.choices(PIECES, k=chance.randint(1, 20))))
    assert plain_text(plain) == plain


HOSTILE = [
    *(
        "<",
        ">",
        "\n>",
        "a=",
        "<a ",
        "&",
        "&amp;",
        "<!--",
        "<style",
        "[",
        "](",
        "![",
        "`",
        "```\n",
        "**",
        "{code}",
    ),
    *(
        "=\n",
        "=?utf-8?Q?",
        "=E2",
        "a@",
        "http://",
        "-----BEGIN PGP MESSAGE-----\n",
        "begin 644 x\n",
        "\\n",
        '<a "',
    ),
    *(
        "--x\nContent-Type: a\n",
        "Content-Type: a\n",
        "A" * 70 + "b1\n",
        "[a|",
        "<blockquote type=cite>",
        "<p>",
        "\n",
    ),
]


@pytest.mark.parametrize("sign", HOSTILE)
def test_no_repeated_sign_takes_more_than_its_share_of_time(sign: str) -> None:
    """Ten times the text may take fifty times as long: quadratic work would take a hundred times."""
    short, long = (seconds(sign * (chars // len(sign))) for chars in (5_000, 50_000))
    assert long < 50 * max(short, 0.001)


def seconds(text: str) -> float:
    """The processor time of `plain_text`, at its best of three."""
    took = []
    for _ in range(3):
        started = time.process_time()
        plain_text(text)
        took.append(time.process_time() - started)
    return min(took)
