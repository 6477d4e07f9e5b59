"""From the accepted photos of one person to the embedding of that person, if they are enough."""

from pathlib import Path

from facedance.config.sections import Faces
from facedance.faces.accepted import require_photos
from facedance.faces.aggregate import aggregate
from facedance.faces.embedding import load_embeddings, save_embeddings
from facedance.tables import read_rows


def embed_identity(identity: str, consent: str, table: Path, photos: Path, params: Faces, out: Path) -> None:
    """Write the identity embedding of one person.

    Args:
        table: csv of the photos: photo, status, reason, weight.
        photos: safetensors: the embedding of each accepted photo.
        out: safetensors to write, with `embedding` (D,).

    Raises:
        InputError: fewer than `params.min_photos` photos can be used. Then there is no file, so nothing goes on without a face.
    """
    require_photos(identity, table, params.min_photos)
    embeddings = load_embeddings(photos)
    weights = {row["photo"]: float(row["weight"]) for row in read_rows(table) if row["status"] == "accepted"}
    together = aggregate([embeddings[name] for name in weights], list(weights.values()), params.aggregation)
    metadata = {"identity": identity, "consent": consent, "backend": params.backend}
    metadata |= {"aggregation": params.aggregation, "photos": str(len(weights))}
    save_embeddings(out, {"embedding": together}, metadata)
