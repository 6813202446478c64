"""What can go wrong in a resource of Lakelatch's own."""

from lakelatch.errors import LakelatchError


class DeliveryError(LakelatchError):
    """Raised when a gateway's config folder cannot be written; whatever `current` named before is still there."""
