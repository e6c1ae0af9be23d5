"""Builds the cache of what the encoder says of labelled texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.domain.errors import SetupError
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.feature_cache import CacheStatus
    from ticketmill.encoder.bundle import Bundle
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.learning.feature_cache import CachedFeatures
    from ticketmill.learning.ports import LearningObjects


def make_feature_cache(
    settings: Settings,
    objects: LearningObjects,
    load_encoder: Callable[[], Encoder] | None = None,
    bundle: Bundle | None = None,
) -> CachedFeatures:
    """The encoder of the bundle behind its cache. The encoder is loaded when a text is not cached;
    `load_encoder` and `bundle` give those that may be there already.

    SetupError where there is no bundle.
    """
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.learning.feature_cache import CachedFeatures
    from ticketmill.learning.packed_features import PackedFeatures

    bundle = bundle or load_bundle(settings.bundle_dir)

    def load() -> Encoder:
        from ticketmill.encoder.encoder import Encoder

        return Encoder(bundle, settings.threads)

    store = PackedFeatures(objects, bundle.encoder_fingerprint, settings.feature_cache_mb)
    return CachedFeatures(load_encoder or load, store)


def feature_cache_status(settings: Settings, adapters: Adapters) -> CacheStatus:
    """What is cached for the encoder of this machine's bundle; nothing without bundle or learning table."""
    from ticketmill.domain.feature_cache import STATUS, CacheStatus, read_status
    from ticketmill.domain.keys import features_file
    from ticketmill.encoder.bundle import encoder_fingerprint_of, read_manifest

    if adapters.learning is None:
        return CacheStatus()
    try:
        encoder = encoder_fingerprint_of(read_manifest(settings.bundle_dir))
    except SetupError:
        return CacheStatus()
    return read_status(adapters.learning.objects.get(features_file(encoder, STATUS)))
