"""Puts one comment on a pull request and, from then on, updates it in place: `python ci/comment.py PLATFORM FILE…`.

PLATFORM is `github`, `gitlab` or `azure-devops`; everything else comes from the variables that it gives a job. The
first file begins with the line by which the comment is found again; what is too long is cut at the end and said so.
"""

import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

LIMIT = 65_000
"""Below GitHub's 65,536 characters, the least of the three."""


def call(method: str, url: str, headers: dict[str, str], body: Any = None) -> Any:
    """One request and what it answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # addresses are the platform's own
        return json.load(answer)


def pages(url: str, headers: dict[str, str]) -> list[Any]:
    """Every entry of a list that comes a hundred at a time."""
    found: list[Any] = []
    page = 1
    while entries := call("GET", f"{url}?per_page=100&page={page}", headers):
        found += entries
        page += 1
    return found


def github(mark: str, text: str) -> None:
    """Issue comments of a pull request."""
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}"}
    issues = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    comments = f"{issues}/{int(os.environ['PULL_REQUEST'])}/comments"
    for comment in pages(comments, headers):
        if comment["body"].startswith(mark):
            call("PATCH", f"{issues}/comments/{comment['id']}", headers, {"body": text})
            return
    call("POST", comments, headers, {"body": text})


def gitlab(mark: str, text: str) -> None:
    """Notes of a merge request."""
    headers = {"PRIVATE-TOKEN": os.environ["COMMENT_TOKEN"]}
    request = f"{os.environ['CI_PROJECT_ID']}/merge_requests/{int(os.environ['CI_MERGE_REQUEST_IID'])}"
    notes = f"{os.environ['CI_API_V4_URL']}/projects/{request}/notes"
    for note in pages(notes, headers):
        if note["body"].startswith(mark):
            call("PUT", f"{notes}/{note['id']}", headers, {"body": text})
            return
    call("POST", notes, headers, {"body": text})


def azure_devops(mark: str, text: str) -> None:
    """Threads of a pull request; the comment is the first of a closed one."""
    headers = {"Authorization": f"Bearer {os.environ['SYSTEM_ACCESSTOKEN']}"}
    project = urllib.parse.quote(os.environ["SYSTEM_TEAMPROJECT"])
    request = f"{os.environ['BUILD_REPOSITORY_ID']}/pullRequests/{int(os.environ['SYSTEM_PULLREQUEST_PULLREQUESTID'])}"
    threads = f"{os.environ['SYSTEM_COLLECTIONURI']}{project}/_apis/git/repositories/{request}/threads"
    version = "?api-version=7.1"
    for thread in call("GET", threads + version, headers)["value"]:
        first = thread["comments"][0] if thread["comments"] else {}
        if (first.get("content") or "").startswith(mark):
            call("PATCH", f"{threads}/{thread['id']}/comments/{first['id']}{version}", headers, {"content": text})
            return
    comment = {"parentCommentId": 0, "content": text, "commentType": "text"}
    call("POST", threads + version, headers, {"comments": [comment], "status": "closed"})


def body(files: list[Path]) -> tuple[str, str]:
    """The line that marks the comment, and the whole text: the first file, then the others as they were printed."""
    first = files[0].read_text(encoding="utf-8")
    text = first.rstrip() + "\n"
    for file in files[1:]:
        # A fence that the text cannot end; its own fences are of three.
        printed = file.read_text(encoding="utf-8", errors="replace").replace("``````", "'''''' ")
        room = LIMIT - len(text) - 200
        if len(printed) > room:
            printed = printed[: max(room, 0)] + "\n(cut; the job's log has the rest)\n"
        text += f"\n<details><summary>{file.stem}</summary>\n\n``````text\n{printed}\n``````\n\n</details>\n"
    return first.splitlines()[0], text


if __name__ == "__main__":
    _, platform, *names = sys.argv
    {"github": github, "gitlab": gitlab, "azure-devops": azure_devops}[platform](*body([Path(name) for name in names]))
