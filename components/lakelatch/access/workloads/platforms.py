"""What runs on a platform that names it: Kubernetes, AWS, Google Cloud."""

from typing import Literal

from lakelatch.access import subjects
from lakelatch.access.workloads.base import BySubject


class KubernetesWorkload(BySubject):
    """A pod with a service account that no other service uses."""

    type: Literal["kubernetes"]
    """The kind of its issuer; may be left out."""
    namespace: str
    """Namespace of the service account."""
    service_account: str
    """Name of the service account; no other service may use it."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.kubernetes(self.namespace, self.service_account)


class AwsWorkload(BySubject):
    """A role of AWS IAM."""

    type: Literal["aws"]
    """The kind of its issuer; may be left out."""
    role_arn: str
    """The role's ARN, not that of a session."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.aws(self.role_arn)


class GoogleWorkload(BySubject):
    """A service account."""

    type: Literal["google"]
    """The kind of its issuer; may be left out."""
    service_account_id: str
    """Its numeric unique id, in quotes; not its address, which can be given to another account later."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.google(self.service_account_id)
