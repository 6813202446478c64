"""The sandbox's tenant with plain requests, for what no vendor's client does."""

from typing import Any

import httpx


class Tenant:
    """Graph, the login service and the control address, as an application of the tenant (its administrator)."""

    def __init__(self, sandbox: Any, client_id: str = "", secret: str = "") -> None:
        self.sandbox = sandbox
        endpoints = self.endpoints = sandbox.endpoints
        self.http: httpx.Client = sandbox.http
        answer = self.token(
            client_id=client_id or endpoints.entra_admin_client_id,
            client_secret=secret or endpoints.entra_admin_client_secret,
            scope=f"{endpoints.graph_base}/.default",
        )
        self.bearer = answer.json()["access_token"]

    @property
    def domain(self) -> str:
        return f"sandbox{self.endpoints.tenant_id.replace('-', '')[:8]}.onmicrosoft.com"

    def token(self, **form: str) -> httpx.Response:
        address = f"{self.endpoints.entra_authority}/{self.endpoints.tenant_id}/oauth2/v2.0/token"
        return self.http.post(address, data={"grant_type": "client_credentials", **form})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Graph v1.0; a path that begins with `/beta` is asked there."""
        version = "" if path.startswith("/beta") else "/v1.0"
        url = path if path.startswith("https:") else f"{self.endpoints.graph_base}{version}{path}"
        return self.http.request(method, url, json=body, headers={"Authorization": f"Bearer {self.bearer}", **headers})

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.send(method, path, body, **headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def error(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
        answer = self.send(method, path, body, **headers)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, f"{self.endpoints.control_url}{path}", json=body)

    def application(self, name: str = "app", **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A registration and its service principal."""
        made = self.ok("POST", "/applications", {"displayName": name, **body})
        return made, self.ok("POST", "/servicePrincipals", {"appId": made["appId"]})

    def user(self, name: str, **body: Any) -> dict[str, Any]:
        document = {
            "accountEnabled": True,
            "displayName": name.capitalize(),
            "mailNickname": name,
            "userPrincipalName": f"{name}@{self.domain}",
            "passwordProfile": {"password": "secret word 1"},
            **body,
        }
        made: dict[str, Any] = self.ok("POST", "/users", document)
        return made

    def group(self, name: str, *members: str, **body: Any) -> dict[str, Any]:
        links = [f"{self.endpoints.graph_base}/v1.0/directoryObjects/{one}" for one in members]
        document = {
            "displayName": name,
            "mailEnabled": False,
            "mailNickname": name,
            "securityEnabled": True,
            "members@odata.bind": links,
            **body,
        }
        made: dict[str, Any] = self.ok("POST", "/groups", document)
        return made
