using VmSim.Core.Machine;
using VmSim.Core.Settings;

namespace VmSim.Core.Scenarios;

/// <summary>Settings of page-table isolation in a scenario that may have none.</summary>
public static class IsolationSettings
{
    private static readonly string[] OfIsolation =
        [nameof(KernelProfile.Invpcid), nameof(KernelProfile.TableSwitchCycles), nameof(KernelProfile.InvpcidExtraCycles)];

    /// <summary>The settings of <c>kernel</c> that say something of an isolation that there is not, by their keys.</summary>
    /// <param name="scenario">A scenario.</param>
    public static IReadOnlyList<string> UnusedIsolationSettings(this ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        if (scenario.Kernel.PageTableIsolation)
        {
            return [];
        }

        KernelProfile standard = new();
        return
        [
            .. SettingMember.Of(typeof(KernelProfile))
                .Where(member => OfIsolation.Contains(member.Property.Name)
                    && !Equals(member.Property.GetValue(scenario.Kernel), member.Property.GetValue(standard)))
                .Select(member => $"kernel.{member.Key}"),
        ];
    }
}
