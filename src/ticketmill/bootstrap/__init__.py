"""The composition root: the only place that knows every part and puts them together.

Small builders, one file a room. What a builder needs is an argument, so that tests pass parts of their own.
"""

from __future__ import annotations

from ticketmill.bootstrap.adapters import Adapters, connect, connect_queries, reindex
from ticketmill.bootstrap.corrections import correctable_tasks, make_corrections, make_ticket_texts
from ticketmill.bootstrap.datasets import WantedDataset, build_dataset, make_snapshots, open_sources
from ticketmill.bootstrap.enricher import current_fingerprint, load_enricher, located_models
from ticketmill.bootstrap.entities import make_mask
from ticketmill.bootstrap.features import feature_cache_status, make_feature_cache
from ticketmill.bootstrap.forget import make_forget
from ticketmill.bootstrap.intake import make_intake
from ticketmill.bootstrap.learned import current_rollout, make_learned_serving, make_rollout_follower
from ticketmill.bootstrap.learning import encoder_here, learning_store_of, open_learning_store
from ticketmill.bootstrap.pipeline import make_backfill, make_dead_letters, make_pipeline
from ticketmill.bootstrap.promotion import gates_of, promotion_gates
from ticketmill.bootstrap.routing import connect_routing, load_rules, make_delivery_dead_letters
from ticketmill.bootstrap.training import Trainer, make_trainer, train_dataset, training_job_id

__all__ = [
    "Adapters",
    "Trainer",
    "WantedDataset",
    "build_dataset",
    "connect",
    "connect_queries",
    "connect_routing",
    "correctable_tasks",
    "current_fingerprint",
    "current_rollout",
    "encoder_here",
    "feature_cache_status",
    "gates_of",
    "learning_store_of",
    "load_enricher",
    "load_rules",
    "located_models",
    "make_backfill",
    "make_corrections",
    "make_dead_letters",
    "make_delivery_dead_letters",
    "make_feature_cache",
    "make_forget",
    "make_intake",
    "make_learned_serving",
    "make_mask",
    "make_pipeline",
    "make_rollout_follower",
    "make_snapshots",
    "make_ticket_texts",
    "make_trainer",
    "open_learning_store",
    "open_sources",
    "promotion_gates",
    "reindex",
    "train_dataset",
    "training_job_id",
]
