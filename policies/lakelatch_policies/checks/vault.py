"""Vaults: keys that rotate and cannot leave, vaults that only their owners reach. Both providers' spellings."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import ADVISORY, MANDATORY, Check, limit
from lakelatch_policies.groups import Group
from lakelatch_policies.judges import types
from lakelatch_policies.judges.vault import (
    AZURE_NATIVE_SECRET,
    AZURE_SECRET,
    asymmetric_rotation,
    native_rotation,
    reachable,
    role_based,
    rotation,
)
from lakelatch_policies.reading import DAY, all_of, lives_at_most, must_be, present

CHECKS: Final = (
    Check(
        "key-rotation",
        "A key in a vault is rotated, sooner than it ends.",
        MANDATORY,
        Severity.HIGH,
        "NIST SP 800-57 part 1 §5.3; Azure Key Vault, key rotation page; CKV_AZURE_112",
        "Give it a rotation policy, at most `max_seconds` after creation and before its versions end.",
        {
            types.AZURE_KEY: rotation,
            types.AZURE_NATIVE_KEY: native_rotation,
            types.VAULT_KEY: lives_at_most("autoRotatePeriod", 1, "is missing: the key is never rotated"),
        },
        limit(365 * DAY, "time between two rotations"),
    ),
    Check(
        "asymmetric-rotation",
        "A key for signatures in AWS KMS asks for no automatic rotation, which there is not.",
        MANDATORY,
        Severity.MEDIUM,
        "AWS KMS, EnableKeyRotation",
        "Leave `enable_key_rotation` out; rotate by a new key and an alias, both published meanwhile.",
        types.each((types.AWS_KEY, types.AWS_NATIVE_KEY), asymmetric_rotation("enableKeyRotation")),
    ),
    Check(
        "key-export",
        "A signing key cannot leave its vault.",
        MANDATORY,
        Severity.HIGH,
        "NIST SP 800-57 part 2 §2.3; HashiCorp Vault, transit, `exportable`",
        "Leave `exportable` and `allow_plaintext_backup` out.",
        {
            types.AZURE_NATIVE_KEY: must_be("properties.attributes.exportable", False, "lets the key leave"),
            types.VAULT_KEY: all_of(
                must_be("exportable", False, "lets the key leave"),
                must_be("allowPlaintextBackup", False, "lets the key leave"),
            ),
        },
    ),
    Check(
        "key-deletion",
        "A signing key cannot be deleted by a slip.",
        MANDATORY,
        Severity.MEDIUM,
        "HashiCorp Vault, transit, `deletion_allowed`",
        "Leave `deletion_allowed` out.",
        {types.VAULT_KEY: must_be("deletionAllowed", False, "lets the key and all its versions be deleted")},
    ),
    Check(
        "vault-network",
        "A vault is not open to every network.",
        MANDATORY,
        Severity.HIGH,
        "Azure Key Vault, network security page; CKV_AZURE_109, CKV_AZURE_189",
        "Switch public access off, or deny by default in the network rules.",
        {
            types.AZURE_VAULT: reachable("publicNetworkAccessEnabled", "networkAcls.defaultAction"),
            types.AZURE_NATIVE_VAULT: reachable(
                "properties.publicNetworkAccess", "properties.networkAcls.defaultAction"
            ),
        },
    ),
    Check(
        "vault-purge-protection",
        "What is deleted from a vault can be brought back.",
        MANDATORY,
        Severity.MEDIUM,
        "Azure Key Vault, soft delete page; CKV_AZURE_110",
        "Set purge protection.",
        {
            types.AZURE_VAULT: must_be("purgeProtectionEnabled", True, "is not on", absent=True),
            types.AZURE_NATIVE_VAULT: must_be("properties.enablePurgeProtection", True, "is not on", absent=True),
        },
    ),
    Check(
        "vault-roles",
        "Rights on a vault are role assignments, not access policies.",
        MANDATORY,
        Severity.MEDIUM,
        "Azure Key Vault, RBAC guide",
        "Set RBAC authorization, and assign roles: an access policy lets a contributor give himself everything.",
        {
            types.AZURE_VAULT: role_based,
            types.AZURE_NATIVE_VAULT: must_be("properties.enableRbacAuthorization", True, "is not on", absent=True),
        },
    ),
    Check(
        "vault-secret-end",
        "A secret in a vault says when it ends.",
        ADVISORY,
        Severity.LOW,
        "Azure Key Vault, secrets page; CKV_AZURE_41",
        "Set its expiry.",
        {
            AZURE_SECRET: present("expirationDate", "is missing"),
            AZURE_NATIVE_SECRET: present("properties.attributes.expires", "is missing"),
        },
    ),
)


GROUP: Final = Group(
    "vault",
    "Keys kept well",
    "Keys rotate and cannot leave, and vaults are closed.",
    "Set what the finding names on the vault or the key.",
    CHECKS,
)
