"""The command line as a user meets it: output, files, faults and exit status."""

import hashlib
import io
import json
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import supplyrisk as sr
from supplyrisk._text import shown
from supplyrisk.cli import main
from supplyrisk.data.tables import table_names
from supplyrisk.engine import run

ROOT = Path(__file__).parents[1]
SEED = ROOT / "seeds" / "walikale-2025.toml"

TEN_FAULTS = """
name = "ten-faults"
start = 2025-03-20
horizon_day = 365                        # 1: unknown key
step_days = 0                            # 2
[[sites]]
site_id = "bisie"
name = "Bisie"
commodity = "tin"
country = "CDO"                          # 3: no such country
capacity_tpa = -1                        # 4
[[hazards]]
hazard_id = "kivu"
peril = "war"                            # 5: no such peril
scope = { site = "bisei" }               # 6: no such site
rate_pa = nan                            # 7
duration = { lognormal = { median_days = 20, sgma = 1.0, sigma = 1.0 } }   # 8: unknown key
[[hazards]]
hazard_id = "strike"
peril = "strike"
scope = { site = "bisei" }               # 9: between objects
rate_pa = 0.1
duration = { lognormal = { median_days = 20, sigma = 1.0 } }
[[citations]]
path = "horizon_days"
source_id = "nobody"                     # 10: no such source
standing = "reported"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "out"
    arguments = ["run", str(SEED), "--seed", "7", "--scenarios", "400", "--out", str(out)]
    assert main(arguments) == 0
    return out


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in {".csv", ".json", ".toml", ".html"}
    }


def test_run_writes_tables_pictures_and_a_page(folder):
    names = {path.name for path in folder.iterdir()}
    assert {"summary.csv", "sites.csv", "steps.csv", "exposures.csv", "ongoing.csv"} <= names
    assert {"provenance.json", "case.toml", "report.html"} <= names
    assert sum(name.endswith(".png") for name in names) >= 5
    record = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert (record["seed"], record["n_scenarios"]) == (7, 400)
    case = sr.load_case(folder / "case.toml")
    assert case == sr.load_case("walikale-2025")
    assert record["case_digest"] == case.digest
    sites = pd.read_csv(folder / "sites.csv", index_col="site_id")
    outlook = sr.simulate(case, 400, rng=7)
    assert sites["expected_lost_t"].sum() == pytest.approx(outlook.lost_t.mean(), rel=1e-12)


def test_the_same_seed_writes_the_same_tables(folder, tmp_path):
    again = tmp_path / "again"
    assert main(["run", str(SEED), "--seed", "7", "--scenarios", "400", "--out", str(again)]) == 0
    assert digests(again) == digests(folder)


def test_workers_write_the_same_tables(folder, tmp_path):
    again = ["run", str(SEED), "--seed", "7", "--scenarios", "400", "--workers", "2"]
    assert main([*again, "--out", str(tmp_path / "again")]) == 0
    assert digests(tmp_path / "again") == digests(folder)


def chained(tmp_path, **changes):
    """Write a case with routes, a smelter and policies to a file."""
    case = runpy.run_path(str(Path(__file__).with_name("chained_case.py")))["CASE"]
    return sr.save_case(replace(case, **changes), tmp_path / "chained.toml")


def test_run_shows_and_writes_the_way_of_the_metal_and_the_policies(tmp_path, capsys):
    path, out = chained(tmp_path), tmp_path / "out"
    assert main(["run", str(path), "--scenarios", "60", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Metal takes 3 routes and passes 1 smelter" in said
    assert "Balance of tin, mean of all futures" in said
    outlook = sr.simulate(sr.load_case(path), 60, rng=0, keep="events")
    deficit = said.partition("Surplus or deficit")[2].splitlines()[2:]
    for line, (quarter, row) in zip(deficit, outlook.market_balance().iterrows(), strict=False):
        assert line.split()[0] == str(quarter)
        assert line.split()[1] == shown(row["supply_t"])
    paid = outlook.policies()
    for policy_id, name in paid["name"].items():
        assert f"What it pays: {name} ({policy_id})" in said
    assert f"rate on line: {shown(paid.loc['own', 'rate_on_line'])}" in said
    assert paid["aep_1_in_10_usd"].min() > 0.0
    for payment in paid["aep_1_in_10_usd"]:
        assert re.search(rf"aep_1_in_10_usd +{shown(payment)} ", said)
    written = pd.read_csv(out / "policies.csv", index_col="policy_id")
    numbers = paid.columns[3:]
    pd.testing.assert_frame_equal(
        written[numbers], paid[numbers], rtol=1e-14, check_index_type=False
    )
    balance = pd.read_csv(out / "market_balance.csv", index_col="quarter")
    expected = outlook.market_balance()["balance_t"].tolist()
    assert balance["balance_t"].tolist() == pytest.approx(expected, rel=1e-14, abs=1e-9)
    metal = pd.read_csv(out / "conservation.csv", index_col="commodity")
    expected = outlook.conservation().loc["tin"].tolist()
    assert metal.loc["tin"].tolist() == pytest.approx(expected, rel=1e-14)
    assert (out / "stocks.png").read_bytes().startswith(b"\x89PNG")


def test_a_policy_that_is_refused_leaves_nothing_half_said(tmp_path, capsys):
    path = chained(tmp_path, horizon_days=730)
    assert main(["run", str(path), "--scenarios", "5", "--out", str(tmp_path / "out")]) == 2
    caught = capsys.readouterr()
    assert "policies.far.annual_limit_usd must be left out" in caught.err
    assert caught.out == ""
    assert list(tmp_path.iterdir()) == [path]


def test_check_finds_the_fault_of_a_policy_that_run_would_refuse(tmp_path, capsys):
    path = chained(tmp_path, horizon_days=730)
    assert main(["check", str(path)]) == 2
    caught = capsys.readouterr()
    assert "policies.far.annual_limit_usd must be left out" in caught.err
    assert "No faults" not in caught.out


def test_a_run_without_a_market_says_nothing_of_metal_or_policies(tmp_path, capsys):
    path = chained(tmp_path, routes=(), smelters=(), exposures=(), policies=(), markets=())
    out = tmp_path / "out"
    assert main(["run", str(path), "--scenarios", "5", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    for word in ("route", "Surplus", "Balance", "What it pays"):
        assert word not in said
    written = {path.name for path in out.iterdir()}
    assert not written & {"policies.csv", "market_balance.csv", "conservation.csv", "stocks.png"}


def test_a_missing_file_is_named_without_an_error_number(capsys):
    assert main(["check", "missing.toml"]) == 2
    assert capsys.readouterr().err == "supplyrisk: missing.toml: No such file or directory\n"


def test_an_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    whole = run.simulate

    def half(case, n_scenarios, **options):
        return whole(case, n_scenarios // 2, **options)

    monkeypatch.setattr(run, "simulate", half)
    out = tmp_path / "out"
    assert main(["run", "walikale-2025", "--scenarios", "40", "--out", str(out)]) == 130
    assert not out.exists()


def test_seed_zero_is_a_seed_and_the_default(tmp_path, capsys):
    for name, seed in (("zero", ["--seed", "0"]), ("default", []), ("one", ["--seed", "1"])):
        out = ["--out", str(tmp_path / name), "--scenarios", "50"]
        assert main(["run", "walikale-2025", *seed, *out]) == 0
    assert "seed 0" in capsys.readouterr().out
    zero, default, one = (digests(tmp_path / name) for name in ("zero", "default", "one"))
    assert zero == default
    assert zero["summary.csv"] != one["summary.csv"]


def test_a_second_run_replaces_the_folder_but_no_other_folder(folder, tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    arguments = ["run", "walikale-2025", "--scenarios", "50", "--out"]
    assert main([*arguments, str(mine)]) == 2
    assert "not a results folder" in capsys.readouterr().err
    assert (mine / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    out = tmp_path / "out"
    assert main([*arguments, str(out)]) == 0
    assert main([*arguments, str(out)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


def test_a_file_with_ten_faults_reports_all_ten_without_a_traceback(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(TEN_FAULTS, encoding="utf-8")
    for command in (["check"], ["run", "--out", str(tmp_path / "out")]):
        done = subprocess.run(
            [sys.executable, "-m", "supplyrisk", *command, str(path)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert "bad.toml: 10 faults" in done.stderr
        for said in (
            "horizon_day is no field of Case (did you mean 'horizon_days'?), got 365",
            "step_days must be a whole number >= 1, got 0",
            "sites.bisie.country must be an ISO 3166-1 alpha-3 code",
            "sites.bisie.capacity_tpa must be a finite number > 0, got -1",
            "hazards.kivu.peril must be one of armed_conflict",
            "hazards.strike.scope must name a site of the case (did you mean 'bisie'?)",
            "hazards.kivu.rate_pa must be a finite number >= 0, got nan",
            "hazards.kivu.duration.lognormal.sgma is no field of Lognormal (did you mean 'sigma'?)",
            "citations[0].source_id must name a source of the case",
        ):
            assert said in done.stderr
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "walikale"], "did you mean 'walikale-2025'"),
        (["check", "missing.toml"], "missing.toml"),
        (["run", "walikale-2025", "--scenarios", "1"], "must be a whole number >= 2"),
        (["run", "walikale-2025", "--workers", "0"], "must be a whole number >= 1"),
        (["run", "walikale-2025", "--seed", "-1"], "must be a whole number >= 0"),
        (["run", "walikale-2025", "--seed", "x"], "must be a whole number >= 0"),
        (["score", "tni"], "did you mean 'tin'"),
        (["score", "walikale"], "did you mean 'walikale-2025'"),
        (["score", "missing.toml"], "missing.toml"),
        (["score", "tin", "--region", "Atlantis"], "region"),
        (["score", "tin", "--scenarios", "1"], "must be a whole number >= 2"),
        (["frobnicate"], "invalid choice"),
        ([], "required"),
    ],
)
def test_a_users_fault_ends_with_status_two(arguments, said, capsys):
    try:
        status = main(arguments)
    except SystemExit as stop:  # argparse's way
        status = stop.code
    assert status == 2
    assert said in capsys.readouterr().err


def test_a_case_without_sites_is_the_users_fault(tmp_path, capsys):
    path = tmp_path / "empty.toml"
    path.write_text('name = "empty"\nstart = 2025-03-20\n', encoding="utf-8")
    assert main(["check", str(path)]) == 0
    assert main(["run", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "at least one site" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


def test_check_explains_and_cases_lists(capsys):
    assert main(["check", str(SEED)]) == 0
    assert "No faults." in capsys.readouterr().out
    assert main(["cases"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(sr.cases())
    assert listed[-1] == "walikale-2025  2025-03-20  tin, 22 sites"


def test_data_lists_the_tables_and_prints_one(capsys):
    assert main(["data"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(table_names())
    assert main(["data", "governance"]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out), keep_default_na=False)
    assert printed["country"].tolist() == sr.data.governance()["country"].tolist()
    assert main(["data", "governence"]) == 2
    assert "did you mean 'governance'" in capsys.readouterr().err


def test_score_prints_the_card_of_a_commodity_a_case_or_a_file(capsys):
    few = ["--scenarios", "50", "--seed", "3"]
    for name, what in (("Tin", "tin"), ("walikale-2025", sr.load_case("walikale-2025"))):
        assert main(["score", name, *few]) == 0
        card = sr.score(what, n_scenarios=50, rng=3)
        assert capsys.readouterr().out == f"{card}\n"
        assert "omposite" not in str(card)
    assert main(["score", str(SEED), *few, "--composite", "--region", "EU27"]) == 0
    said = capsys.readouterr().out
    case = sr.load_case("walikale-2025")
    card = sr.score(case, region="EU27", composite=True, n_scenarios=50, rng=3)
    assert said == f"{card}\n"
    assert "Composite, because it was asked for" in said


def test_score_says_what_cannot_be_simulated(capsys):
    assert main(["score", "uranium"]) == 0
    assert "nothing could be simulated" in capsys.readouterr().out


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("supplyrisk.engine.run.simulate", interrupted)
    assert main(["run", "walikale-2025", "--out", str(tmp_path / "out")]) == 130
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_library_is_a_traceback_and_status_one(tmp_path):
    code = (
        "import supplyrisk.engine.run as run, supplyrisk.cli as cli\n"
        "run.simulate = lambda *_, **__: 1 / 0\n"
        f"raise SystemExit(cli.main(['run', 'walikale-2025', '--out', {str(tmp_path / 'o')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_no_fault():
    command = f"{sys.executable} -m supplyrisk check walikale-2025 | head -n 1"
    shell = ["/bin/bash", "-c", f"set -o pipefail; {command}"]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
