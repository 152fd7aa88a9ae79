using System.Text;

namespace VmSim.Host.Tests.Architecture;

/// <summary>
/// The one table of floors: which rooms there are, and which stand above which. A room uses rooms of lower floors only. The test of the
/// floors and the picture in docs/architecture.md are made from it.
/// </summary>
internal static class Floors
{
    /// <summary>The houses, lowest first. A house knows the houses before it.</summary>
    public static IReadOnlyList<House> Houses { get; } =
    [
        new("VmSim.Core", "src/Core",
        [
            ["Addresses", "Settings", "Statistics", "State"],
            ["Paging", "Mapping", "Programs"],
            ["Mmu", "Workloads"],
            ["Machine", "Experiments"],
            ["VirtualTime", "Memory", "Traces"],
            ["Shootdown"],
            ["Kernel"],
            ["Checking", "Scenarios"],
            ["Engine"],
            ["Reports", "Checkpoints", "Validation"],
            ["Exploring"],
        ]),
        new(
            "VmSim.Actors",
            "src/Actors",
            [["Configuration", "Security"], ["Simulation"], ["Running"], ["Cluster"], ["Fuzzing", "Exploring"]]),
        new(
            "VmSim.Host",
            "src/Host",
            [
                ["Terminal", "Drawing"], ["Files", "Maps"], ["Hosting"], ["Reporting"], ["Capture", "Sweeps"], ["Service"], ["Commands"],
                [House.Top],
            ]),
    ];

    /// <summary>The picture in docs/architecture.md: the highest floor first.</summary>
    public static string Picture()
    {
        StringBuilder text = new();
        text.Append("```\n");
        foreach (House house in Houses.Reverse())
        {
            text.Append(house.Folder).Append('\n');
            for (int floor = house.Floors.Count - 1; floor >= 0; floor--)
            {
                IEnumerable<string> rooms = house.Floors[floor].Select(room => room == House.Top ? "(the folder itself)" : room);
                text.Append($"{floor,3}  {string.Join("   ", rooms)}\n");
            }
        }

        return text.Append("```\n").ToString();
    }
}

/// <summary>One project's rooms.</summary>
/// <param name="Namespace">The namespace that all its rooms are in.</param>
/// <param name="Folder">Its folder, from the top of the repository.</param>
/// <param name="Floors">Names of the rooms, which are its folders, by floor, the lowest first.</param>
internal sealed record House(string Namespace, string Folder, IReadOnlyList<IReadOnlyList<string>> Floors)
{
    /// <summary>The room of the files that lie in the house's own folder.</summary>
    public const string Top = "";

    /// <summary>Names of all rooms.</summary>
    public IEnumerable<string> Rooms => Floors.SelectMany(rooms => rooms);

    /// <summary>The floor of a room; -1 if there is no such room.</summary>
    public int FloorOf(string room)
    {
        for (int floor = 0; floor < Floors.Count; floor++)
        {
            if (Floors[floor].Contains(room))
            {
                return floor;
            }
        }

        return -1;
    }
}
