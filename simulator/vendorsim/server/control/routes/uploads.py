"""Takes files, in parts that are no larger than any other body."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from vendorsim.server.control import requests
from vendorsim.server.control.uploads import LARGEST_FILE
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/uploads` and `/uploads/ID`."""

    @api.post("/uploads")
    def begin_upload() -> tuple[Response, int, dict[str, str]]:
        part = requests.octets()
        upload = workbench.uploads.begin()
        size = workbench.uploads.append(upload, 0, part)
        return jsonify({"id": upload, "size": size}), 201, {"Location": f"{request.base_url}/{upload}"}

    @api.patch("/uploads/<upload>")
    def append_to_upload(upload: str) -> Response:
        offset = requests.number("offset", 0, LARGEST_FILE) or 0
        return jsonify({"id": upload, "size": workbench.uploads.append(upload, offset, requests.octets())})
