"""All that has to do with LoRAs, built for one application."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from backend.models.config import Settings
from backend.models.recipe import LoraUse
from backend.services.errors import ModelNotInstalled
from backend.services.library.catalogue import Catalogue
from backend.services.library.loras.architectures import PUBLISHED, Architecture, Architectures
from backend.services.library.loras.catalogue import LoraCatalogue
from backend.services.library.loras.folders import home_of
from backend.services.library.loras.removal import LoraRemovals
from backend.services.library.loras.uploads import LoraUploads
from backend.services.library.model_entry import AUTO
from backend.services.library.variants.receipts import Receipts


@dataclass(frozen=True)
class LoraRoom:
    """LoRAs: what there is, what comes, what goes, and what they are matched with."""

    catalogue: LoraCatalogue
    uploads: LoraUploads
    removals: LoraRemovals
    architectures: Architectures
    models: Catalogue

    @classmethod
    def build(cls, settings: Settings, models: Catalogue, wanted: Callable[[], Iterable[LoraUse]]) -> LoraRoom:
        """Builds all of it.

        Args:
            settings: of the application.
            models: what LoRAs are for.
            wanted: returns the LoRAs of the tasks that wait or run.
        """
        catalogue, architectures = LoraCatalogue(settings), Architectures()
        receipts = Receipts(settings.data_dir / "lora-uploads.json")
        uploads = LoraUploads(
            catalogue,
            home_of(settings),
            receipts,
            lambda folder: shutil.disk_usage(folder).free,
            max_bytes=settings.max_lora_mb * 2**20,
            min_free_disk_mb=settings.min_free_disk_mb,
            architecture=lambda: architectures.of(models.files_of(AUTO)),
        )
        return cls(catalogue, uploads, LoraRemovals(catalogue, receipts, wanted), architectures, models)

    def close(self) -> bool:
        """Ends what still reads; returns True."""
        return self.catalogue.close()

    def architecture_of(self, model_id: str) -> Architecture:
        """Returns what LoRAs for a model are matched with; the published one where the model is not installed.

        Raises:
            UnknownModel: there is none of this id.
        """
        try:
            return self.architectures.of(self.models.resolve(model_id).files)
        except ModelNotInstalled:
            return PUBLISHED
