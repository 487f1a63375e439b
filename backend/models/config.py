"""Every setting of the application, in one class.

A setting is read from the environment (`ZIMAGE_<NAME>`), and the launcher's options set the same variables.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.utils.network.standard_webhooks import read_secret

Engine = Literal["auto", "native", "diffusers"]
Executor = Literal["local", "ray"]
CpuPrecision = Literal["auto", "float32", "bfloat16"]
Offload = Literal["auto", "none", "model", "sequential"]
Quantization = Literal["auto", "none", "int8", "fp8", "gguf"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

MIN_TOKEN_LENGTH = 16
_DEVICE = re.compile(r"cuda(:[0-9]{1,3})?|mps|cpu")
_RAY_ADDRESS = re.compile(r"auto|(ray://)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
_OWN_PATHS = frozenset({"assets", "docs", "health", "metrics", "redoc"})
_REPOSITORY_ROOT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """Settings of the application and its process."""

    model_config = SettingsConfigDict(env_prefix="ZIMAGE_", frozen=True, extra="ignore")

    base_dir: Path = Field(default=_REPOSITORY_ROOT, description="Root of the project.")
    data_dir: Path = Field(
        default_factory=lambda values: values["base_dir"] / "data",
        description="Everything that the application writes.",
    )
    images_dir: Path = Field(
        default_factory=lambda values: values["data_dir"] / "images", description="Generated images."
    )
    history_file: Path = Field(
        default_factory=lambda values: values["data_dir"] / "history.json", description="Record of every image."
    )
    web_dir: Path = Field(
        default_factory=lambda values: values["base_dir"] / "frontend" / "dist", description="The built browser UI."
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=15000, ge=0, le=65535, description="Port of the REST API.")
    web_port: int = Field(default=15001, ge=0, le=65535, description="Port of the browser UI.")
    api_prefix: str = Field(default="/api", pattern=r"^/[a-z0-9/_-]*[a-z0-9]$", description="Prefix of the API paths.")
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$",
        description="Sub-path of a reverse proxy that the service stands under, as `/zimage`.",
    )
    api_token: str | None = Field(
        default=None, min_length=MIN_TOKEN_LENGTH, repr=False, description="Bearer token; required off loopback."
    )
    api_tokens: Annotated[dict[str, str], NoDecode] = Field(
        default={}, repr=False, description="More tokens, each with a name: `alice:secret,bob:secret`."
    )
    history_per_token: bool = Field(
        default=False, description="Whoever has a token sees and changes only his own images and tasks."
    )
    webhook_secrets: Annotated[dict[str, str], NoDecode] = Field(
        default={},
        repr=False,
        description="Secrets that sign webhooks, by the names of their tokens: `alice:whsec_…`; none, no webhooks.",
    )
    webhook_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Private networks that webhooks may reach, also over plain http: `127.0.0.0/8,192.168.1.20`.",
    )
    insecure: bool = Field(default=False, description="Allow another address than loopback without a token.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(
            "http://localhost:15001",
            "http://127.0.0.1:15001",
            "http://localhost:5173",
            "http://127.0.0.1:5173",
            "http://localhost:3000",
            "http://127.0.0.1:3000",
        ),
        description="Origins that may call the API from a browser, separated by commas.",
    )

    openai: bool = Field(default=True, description="Answer the OpenAI Images API under `/v1`.")
    openai_any_model: bool = Field(
        default=True, description="Under `/v1`, take a model that is unknown here for `auto`, rather than refuse it."
    )
    a1111: bool = Field(default=True, description="Answer the API of AUTOMATIC1111's web UI under `/sdapi/v1`.")
    mcp: bool = Field(default=True, description="Answer MCP under `/mcp`, where the package `mcp` is installed.")
    ollama: int = Field(default=0, ge=0, le=65535, description="Port to answer Ollama's image API on; 0 is not at all.")

    model_name: str = Field(
        default="Tongyi-MAI/Z-Image-Turbo", description="Model that `auto` prefers when it is installed."
    )
    models_dir: Path | None = Field(
        default=None, description="Folder to look for models in, also one of ComfyUI's or its extra_model_paths.yaml."
    )
    loras_dir: Path = Field(
        default_factory=lambda values: values["data_dir"] / "loras",
        description="Folder of LoRAs, which those that are sent here go to; or ComfyUI, or its extra_model_paths.yaml.",
    )
    annotators_dir: Path = Field(
        default_factory=lambda values: values["data_dir"] / "annotators",
        description="Folder of models that make control images, depth or poses, each in a folder of its own.",
    )
    hub_token: str | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description="Token for the hub that HF_ENDPOINT names; HF_TOKEN is sent to the default hub only.",
    )
    devices: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        default=None,
        description="Devices that draw at the same time, as `cuda:0,cuda:1`; `auto` is every accelerator.",
    )
    executor: Executor = Field(
        default="local", description="Where jobs run: in this process, or on the machines of a Ray cluster."
    )
    ray_address: str | None = Field(
        default=None,
        description="Cluster to use: `auto`, `host:6379` or `ray://host:10001`; left out, one is started here.",
    )
    ray_cpu_nodes: bool = Field(default=False, description="Also let machines of the cluster without a card draw.")
    ray_download: bool = Field(
        default=False, description="Let workers fetch the weights that they lack when a task needs them."
    )
    engine: Engine = Field(default="auto", description="Implementation that runs the model.")
    attention_backend: str | None = Field(
        default=None, description="Attention kernel of the engine, for example `flash`; falls back when unavailable."
    )
    compile: bool = Field(default=False, description="Compile the transformer's repeated block with torch.compile.")
    quantization: Quantization = Field(
        default="auto",
        description="What the matrices are held in: `none`, `int8`, `fp8`, or `gguf` for the blocks of GGUF files; "
        "`auto` keeps on a card what is stored quantised, and takes int8 where not all of the model fits otherwise.",
    )
    offload: Offload = Field(
        default="auto",
        description="What is kept in the main memory: `none`; `model`: the text encoder, until it is needed; "
        "`sequential`: also blocks of the transformer, which are streamed; `auto`: as little as the card allows.",
    )
    cpu_precision: CpuPrecision = Field(default="auto", description="Precision of the weights on the CPU.")

    default_height: int = Field(default=1024, ge=256, le=2048, multiple_of=16, description="Height in pixels.")
    default_width: int = Field(default=1024, ge=256, le=2048, multiple_of=16, description="Width in pixels.")
    default_num_inference_steps: int = Field(default=9, ge=1, le=50, description="Points of the schedule.")
    default_guidance_scale: float = Field(
        default=0.0, ge=0.0, le=20.0, description="Guidance for a model that does not name its own."
    )
    default_seed: int = Field(default=42, ge=0, le=2**53 - 1, description="Seed of the demo scripts and examples.")

    task_timeout: float = Field(default=600.0, gt=0, description="Seconds that a task may run.")
    idle_unload: float = Field(
        default=0.0, ge=0, description="Seconds without a task after which a model leaves the memory; 0 is never."
    )
    max_queued_tasks: int = Field(default=100, ge=1, description="Tasks that may wait at once.")
    max_queued_tasks_per_client: int = Field(
        default=50, ge=1, description="Tasks of one client, which is a token or an address, that may wait at once."
    )
    max_work: int = Field(
        default=800,
        ge=400,
        description="Megapixels (of 2^20 pixels) × steps × images of one request; guided, twice that.",
    )
    kept_finished_tasks: int = Field(default=200, ge=1, description="Finished tasks whose status is remembered.")
    trash_days: float = Field(default=30.0, ge=0, description="Days until a deleted image is gone for good.")
    min_free_disk_mb: int = Field(default=200, ge=0, description="Free disk space below which no task is accepted.")
    max_body_kb: int = Field(default=256, ge=16, description="Size of a request's body, in KiB.")
    max_upload_mb: int = Field(default=64, ge=1, description="Size of an image that is sent here, in MiB.")
    max_lora_mb: int = Field(default=2048, ge=1, description="Size of a LoRA that is sent here, in MiB.")
    log_level: LogLevel = Field(default="INFO", description="Least severe level that is logged.")
    log_format: Literal["text", "json"] = Field(default="text", description="Form of a line of the log.")
    log_file: Path | None = Field(default=None, description="Also log into this file, of 10 MB and five older ones.")

    @property
    def tokens(self) -> dict[str, str]:
        """Access tokens by the name of their holder."""
        return self.api_tokens | ({"default": self.api_token} if self.api_token is not None else {})

    @property
    def api_address(self) -> str:
        """Prefix of the API paths as a browser or a client has it, behind a proxy too."""
        return f"{self.root_path}{self.api_prefix}"

    @field_validator("root_path", mode="before")
    @classmethod
    def _lead_with_slash(cls, value: object) -> object:
        inner = value.strip("/") if isinstance(value, str) else None
        return value if inner is None else inner and f"/{inner}"

    @field_validator("api_tokens", "webhook_secrets", mode="before")
    @classmethod
    def _split_tokens(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return dict(part.strip().partition(":")[::2] for part in value.split(",") if part.strip())

    @field_validator("api_tokens")
    @classmethod
    def _check_tokens(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(name.isidentifier() and len(token) >= MIN_TOKEN_LENGTH for name, token in value.items()):
            raise ValueError(f"must be name:token,name:token with tokens of {MIN_TOKEN_LENGTH} characters or more")
        return value

    @field_validator("devices")
    @classmethod
    def _check_devices(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value and value != ("auto",) and not all(_DEVICE.fullmatch(device) for device in value):
            raise ValueError("must be auto, or devices as torch names them, separated by commas: cuda:0,cuda:1 or cpu")
        return value

    @field_validator("webhook_secrets")
    @classmethod
    def _check_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for secret in value.values():
            read_secret(secret)
        return value

    @field_validator("webhook_networks")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @field_validator("ray_address")
    @classmethod
    def _check_ray_address(cls, value: str | None) -> str | None:
        if value is not None and not _RAY_ADDRESS.fullmatch(value):
            raise ValueError("must be auto, host:6379 for a machine of the cluster, or ray://host:10001 from outside")
        return value

    @field_validator("cors_origins", "devices", "webhook_networks", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator(
        "base_dir", "data_dir", "images_dir", "history_file", "web_dir", "models_dir", "loras_dir", "annotators_dir",
        "log_file",
    )  # fmt: skip
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value is not None else None

    @model_validator(mode="after")
    def _refuse_open_door(self) -> Settings:
        if not is_loopback(self.host) and not self.tokens and not self.insecure:
            raise ValueError(
                f"host {self.host!r} can be reached from other machines: set ZIMAGE_API_TOKEN (16 characters or more), "
                "or ZIMAGE_INSECURE=1 to allow everyone in"
            )
        return self

    @model_validator(mode="after")
    def _refuse_secrets_of_nobody(self) -> Settings:
        strangers = sorted(self.webhook_secrets.keys() - self.api_tokens.keys())
        if strangers:
            raise ValueError(f"webhook_secrets are for names of ZIMAGE_API_TOKENS, not for {', '.join(strangers)}")
        return self

    @model_validator(mode="after")
    def _refuse_own_paths(self) -> Settings:
        first = self.root_path.split("/")[1:2]
        if first and first[0] in {
            *_OWN_PATHS,
            self.api_prefix.split("/")[1],
        }:  # is it cut off or not? nobody could tell
            raise ValueError(f"root_path {self.root_path!r} begins like a path of the service itself: choose another")
        return self

    @model_validator(mode="after")
    def _refuse_a_port_for_two(self) -> Settings:
        taken = {self.port: "the API", self.web_port: "the browser UI"}
        if self.ollama and self.ollama in taken:
            raise ValueError(
                f"ZIMAGE_OLLAMA needs a port of its own: {self.ollama} is the port of {taken[self.ollama]}; Ollama's "
                "usual one is 11434"
            )
        return self

    @model_validator(mode="after")
    def _refuse_another_executors_settings(self) -> Settings:
        if self.executor == "ray" and self.devices:
            raise ValueError("devices are those of ZIMAGE_EXECUTOR=local: with ray each card of the cluster draws")
        if self.executor != "ray" and (self.ray_address or self.ray_cpu_nodes or self.ray_download):
            raise ValueError("ray_address, ray_cpu_nodes and ray_download need ZIMAGE_EXECUTOR=ray")
        return self

    @model_validator(mode="after")
    def _refuse_owners_without_names(self) -> Settings:
        if self.history_per_token and not self.tokens:
            raise ValueError("history_per_token needs ZIMAGE_API_TOKENS, with a name for everybody's token")
        return self


def is_loopback(host: str) -> bool:
    """Tells whether a listening address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
