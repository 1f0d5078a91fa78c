"""The bill of materials of a release: SPDX 2.3, JSON.

It lists what is in the firmware: our package with its artefacts, ESP-IDF, and the components that were linked. The
Python tools do not run on the device and are not in it; the compiler is named as the tool that built it.
"""

import io
import json
import re
from typing import Any

from license_expression import LicenseExpression, get_spdx_licensing
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    File,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from spdx_tools.spdx.writer.json import json_writer

from tinybms_gateway.release.artefacts import APP, Component
from tinybms_gateway.release.record_model import Record

SPDX = "SPDX-2.3"
DOCUMENT = "SPDXRef-DOCUMENT"
FIRMWARE = "SPDXRef-firmware"
IDF = "SPDXRef-esp-idf"
COMPILER = "SPDXRef-compiler"
IDF_VERSION = re.compile(r"v\d+\.\d+(\.\d+)?(-(beta|rc)\d+)?")


def make(record: Record, components: list[Component], sha1: dict[str, str]) -> str:
    """The document as JSON; the same arguments make the same text.

    Args:
        record: of the release
        components: in the firmware
        sha1: of each artefact by its name, which SPDX asks for beside the SHA-256

    Raises:
        ValueError: the document would not be valid SPDX.
    """
    subject = record.subject
    files = [
        File(
            f"./build/{name}",
            f"SPDXRef-file-{number}",
            [Checksum(ChecksumAlgorithm.SHA1, sha1[name]), Checksum(ChecksumAlgorithm.SHA256, artefact.sha256)],
        )
        for number, (name, artefact) in enumerate(sorted(subject.artefacts.items()), start=1)
    ]
    packages = [_firmware(record), _esp_idf(subject.build.idf_version)]
    relationships = [
        Relationship(DOCUMENT, RelationshipType.DESCRIBES, FIRMWARE),
        Relationship(FIRMWARE, RelationshipType.DEPENDS_ON, IDF),
        *(Relationship(FIRMWARE, RelationshipType.GENERATES, file.spdx_id) for file in files),
    ]
    for number, component in enumerate(components, start=1):
        package = _component(number, component, record)
        packages.append(package)
        owner = IDF if component.origin == "esp-idf" else FIRMWARE
        relationships.append(Relationship(owner, RelationshipType.CONTAINS, package.spdx_id))
    if subject.build.compiler:
        packages.append(_compiler(subject.build.compiler, subject.build.tool_chain or subject.build.compiler_version))
        relationships.append(Relationship(COMPILER, RelationshipType.BUILD_TOOL_OF, FIRMWARE))
    info = CreationInfo(
        SPDX,
        DOCUMENT,
        f"{APP}-{subject.version}",
        f"https://spdx.org/spdxdocs/{APP}-{subject.version}-{record.subject_sha256}",
        [Actor(ActorType.TOOL, "tinybms-gw release archive")],
        record.created.replace(tzinfo=None),
    )
    document = Document(info, packages, files, relationships=relationships)
    problems = validate_full_spdx_document(document, SPDX)
    if problems:
        raise ValueError(f"bill of materials: {problems[0].validation_message}")
    text = io.StringIO()
    json_writer.write_document_to_stream(document, text, validate=False)
    return text.getvalue() + "\n"


def check(text: str) -> dict[str, str]:
    """The SHA-256 of each file that a document lists, by the name in the archive.

    Raises:
        ValueError: it is not a valid SPDX document.
    """
    try:
        content = json.loads(text)
        document: Any = JsonLikeDictParser().parse(content)
        problems = validate_full_spdx_document(document, SPDX)
    except (SPDXParsingError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        messages = error.get_messages() if isinstance(error, SPDXParsingError) else [str(error)]
        raise ValueError(f"bill of materials: not SPDX: {messages[0]}") from None
    if problems:
        raise ValueError(f"bill of materials: {problems[0].validation_message}")
    return {
        file.name.removeprefix("./"): checksum.value
        for file in document.files
        for checksum in file.checksums
        if checksum.algorithm is ChecksumAlgorithm.SHA256
    }


def _firmware(record: Record) -> Package:
    git = record.subject.git
    return Package(
        FIRMWARE, APP, SpdxNoAssertion(), version=record.subject.version, files_analyzed=False,
        license_concluded=SpdxNoAssertion(), license_declared=_licence("Apache-2.0"), copyright_text=SpdxNoAssertion(),
        source_info=f"git commit {git.hash}{' with uncommitted changes' if git.dirty else ''}",
        primary_package_purpose=PackagePurpose.FIRMWARE,
    )  # fmt: skip


def _esp_idf(version: str) -> Package:
    release = IDF_VERSION.match(version)
    location = f"git+https://github.com/espressif/esp-idf.git@{release.group()}" if release else SpdxNoAssertion()
    return Package(
        IDF, "esp-idf", location, version=version, files_analyzed=False, license_concluded=SpdxNoAssertion(),
        license_declared=_licence("Apache-2.0"), copyright_text=SpdxNoAssertion(),
        supplier=Actor(ActorType.ORGANIZATION, "Espressif Systems"),
        comment="Its components have their own licences; see ESP-IDF's COPYRIGHT page.",
        primary_package_purpose=PackagePurpose.FRAMEWORK,
    )  # fmt: skip


def _component(number: int, component: Component, record: Record) -> Package:
    ours = component.origin == "project"
    version = {"project": record.subject.version, "esp-idf": record.subject.build.idf_version}.get(component.origin)
    plain = re.sub(r"[^A-Za-z0-9.-]", "-", component.name)
    return Package(
        f"SPDXRef-component-{number}-{plain}", component.name, SpdxNoAssertion(), version=version,
        files_analyzed=False, license_concluded=SpdxNoAssertion(), copyright_text=SpdxNoAssertion(),
        license_declared=_licence("Apache-2.0") if ours else SpdxNoAssertion(),
        primary_package_purpose=PackagePurpose.LIBRARY,
    )  # fmt: skip


def _compiler(name: str, version: str | None) -> Package:
    return Package(
        COMPILER, name, SpdxNoAssertion(), version=version, files_analyzed=False, license_concluded=SpdxNoAssertion(),
        license_declared=SpdxNoAssertion(), copyright_text=SpdxNoAssertion(),
        primary_package_purpose=PackagePurpose.APPLICATION,
    )  # fmt: skip


def _licence(expression: str) -> LicenseExpression:
    return get_spdx_licensing().parse(expression)
