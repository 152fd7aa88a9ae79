using VmSim.Core.Machine;
using VmSim.Core.Settings;

namespace VmSim.Core.Scenarios;

/// <summary>Settings of virtual machines in a scenario that may have none.</summary>
public static class GuestSettings
{
    /// <summary>The settings of <c>machine.guest</c> that say something of virtual machines that there are not, by their keys.</summary>
    /// <param name="scenario">A scenario with its processes.</param>
    public static IReadOnlyList<string> UnusedGuestSettings(this ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        if (scenario.Processes.Any(process => process.Virtual ?? scenario.Machine.Virtual))
        {
            return [];
        }

        GuestSpec standard = new();
        return
        [
            .. SettingMember.Of(typeof(GuestSpec))
                .Where(member => !Equals(member.Property.GetValue(scenario.Machine.Guest), member.Property.GetValue(standard)))
                .Select(member => $"machine.guest.{member.Key}"),
        ];
    }
}
