"""The OpenAPI document is a promise: complete, and stable where clients are generated from it."""

from typing import Any

import httpx

from callcenter.core.problems import MEDIA_TYPE


async def document_of(client: httpx.AsyncClient) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/api/v1/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if path.startswith("/api/v1")
    ]


async def test_each_operation_has_an_id_of_its_own_a_text_and_a_tag(client: httpx.AsyncClient) -> None:
    found = operations(await document_of(client))
    ids = [operation["operationId"] for _, operation in found]
    assert len(set(ids)) == len(ids)
    for path, operation in found:
        assert operation.get("description"), path
        assert operation.get("tags"), path


async def test_problems_are_documented_as_what_they_are(client: httpx.AsyncClient) -> None:
    document = await document_of(client)
    for path, operation in operations(document):
        statuses = {"422", "503"} | ({"401", "403"} if "x-roles" in operation else set())
        assert statuses <= set(operation["responses"]), (path, operation["operationId"])
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == [MEDIA_TYPE], (path, status)
                assert response["content"][MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_all_references_lead_somewhere(client: httpx.AsyncClient) -> None:
    document = await document_of(client)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            here = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return here.union(*(references(value) for value in node.values()))
        if isinstance(node, list):
            return set().union(*(references(value) for value in node))
        return set()

    assert references(document) <= known


async def test_the_bearer_scheme_stands_on_all_but_what_comes_without_one(client: httpx.AsyncClient) -> None:
    document = await document_of(client)
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    without = [operation["operationId"] for _, operation in operations(document) if "security" not in operation]
    assert without == ["accounts_log_in", "messages_report_sms"]


async def test_bodies_have_examples(client: httpx.AsyncClient) -> None:
    document = await document_of(client)

    def has_example(node: object) -> bool:
        if isinstance(node, dict):
            if "example" in node or "examples" in node:
                return True
            reference = node.get("$ref")
            if isinstance(reference, str):
                return has_example(document["components"]["schemas"][reference.rsplit("/", 1)[1]])
            return any(has_example(value) for value in node.values())
        return isinstance(node, list) and any(has_example(value) for value in node)

    def resolved(schema: dict[str, Any]) -> dict[str, Any]:
        named: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return named

    for path, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            made_of_defaults = not resolved(content["schema"]).get("required")
            assert media_type != "application/json" or made_of_defaults or has_example(content["schema"]), path


async def test_no_patient_data_stands_in_an_address(client: httpx.AsyncClient) -> None:
    names = {
        parameter["name"]
        for _, operation in operations(await document_of(client))
        if operation["operationId"].startswith("patients_")
        for parameter in operation.get("parameters", [])
    }
    assert names <= {"patient_id", "external_id", "code", "cursor", "limit"}
