"""The plan of the campaign that a store was launched with last, from what is in the store."""

from __future__ import annotations

from ensemble.campaign import CampaignFiles, parse_campaign
from ensemble.campaign.schema import LammpsModels
from ensemble.plan.models import examine_models
from ensemble.plan.plan import Plan, assemble
from ensemble.store.info import StoreInfo


def plan_of(info: StoreInfo) -> Plan:
    """The plan, with what some groups of runs are to have besides.

    Raises
    ------
    ensemble.campaign.CampaignError
        The campaign that the store keeps is none that this version reads.
    OSError
        A potential cannot be read.
    """
    campaign, fingerprints = parse_campaign(info.campaign, info.paths.campaign), info.fingerprints
    names = list(fingerprints["models"])
    if isinstance(campaign.models, LammpsModels):
        names = [model.name for model in campaign.models.model]
    folders = {name: info.paths.potential(name) for name in names}
    files = {
        name: tuple(sorted(folder.iterdir())) if folder.is_dir() else ()
        for name, folder in folders.items()
    }
    plan = assemble(
        campaign,
        examine_models(campaign, CampaignFiles(files, {})),
        {
            (study.material, cells): atoms
            for study in info.studies.values()
            for cells, atoms in zip(study.axes.supercells, study.atoms, strict=True)
        },
        fingerprints["structures"],
        info.segmentation,
    )
    return plan.extended({name: study.extensions for name, study in info.studies.items()})
