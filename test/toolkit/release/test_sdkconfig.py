"""An sdkconfig goes into records and archives without its secrets."""

import pytest

from tinybms_gateway.release.sdkconfig import SecretFinder, is_clean, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        "CONFIG_TINYBMS_WIFI_STA_PASSWORD",
        "CONFIG_TINYBMS_WIFI_AP_PASSWORD",
        "CONFIG_TINYBMS_WIFI_PASS",
        "CONFIG_TINYBMS_MQTT_PASSWORD",
        "CONFIG_TINYBMS_MQTT_PASS",
        "CONFIG_TINYBMS_WEB_TOKEN",
        "CONFIG_EXAMPLE_WIFI_PSK",
        "CONFIG_SOME_API_KEY",
        "CONFIG_SOME_SECRET",
        "CONFIG_WIFI_PASSWORD2",
    ],
)
def test_options_that_are_named_as_secrets_are(name: str) -> None:
    config = without_secrets(f'CONFIG_A=y\n{name}="hush \\"hush\\""\nCONFIG_B="b"\n')
    assert config.text == f'CONFIG_A=y\n{name}="removed"\nCONFIG_B="b"\n'
    assert config.removed == (name,)
    assert config.secrets == (b'hush "hush"',)
    assert is_clean(config.text)


@pytest.mark.parametrize(
    "line",
    [
        'CONFIG_TINYBMS_WIFI_STA_PASSWORD=""',
        "# CONFIG_TINYBMS_WIFI_STA_PASSWORD is not set",
        'CONFIG_TINYBMS_WIFI_STA_SSID="compass"',
        'CONFIG_BYPASS_MODE="on"',
        "CONFIG_LWIP_PASS_THROUGH=y",
        'CONFIG_TINYBMS_MQTT_URI="mqtts://broker.example.org:8883"',
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    config = without_secrets(line + "\n")
    assert config.text == line + "\n"
    assert (config.removed, config.secrets) == ((), ())


@pytest.mark.parametrize("password", ["letmein9", "let:me:in", "let@me@in", "let/me/in"])
def test_a_password_in_an_address(password: str) -> None:
    config = without_secrets(f'CONFIG_TINYBMS_MQTT_URI="mqtts://user:{password}@broker.example.org"\n')
    assert config.text == 'CONFIG_TINYBMS_MQTT_URI="mqtts://removed@broker.example.org"\n'
    assert config.secrets == (password.encode(),)
    assert is_clean(config.text)


def test_two_passwords_make_the_same_hash() -> None:
    configs = [without_secrets(f'CONFIG_TINYBMS_WIFI_STA_PASSWORD="{value}"\n') for value in ("first one", "another")]
    assert configs[0].sha256 == configs[1].sha256


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_secret_across_two_chunks_is_found(cut: int) -> None:
    finder = SecretFinder([b"letmein9", b"short"])
    finder(b"abc letmein9"[: cut + 4])
    finder(b"abc letmein9"[cut + 4 :] + b" end")
    assert finder.found


def test_a_file_without_the_secret() -> None:
    finder = SecretFinder([b"letmein9", b"short"])
    for chunk in (b"letmein", b"", b"8 short", b"9"):
        finder(chunk)
    assert not finder.found
