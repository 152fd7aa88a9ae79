using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Architecture;

/// <summary>Dependencies between rooms point down. There is no list of exceptions.</summary>
public sealed class FloorTests
{
    private static readonly Lazy<FloorJudge> JudgeKnown = new(() => new FloorJudge(Floors.Houses, SourceFile.Below("src")));

    /// <summary>Every room, and one that it must not know.</summary>
    public static TheoryData<string, string, string> ForbiddenPairs
    {
        get
        {
            TheoryData<string, string, string> pairs = [];
            foreach (House house in Floors.Houses)
            {
                foreach (string room in house.Rooms)
                {
                    int floor = house.FloorOf(room);
                    string? other = house.Floors.Skip(floor).SelectMany(rooms => rooms)
                        .LastOrDefault(name => name != room && name != House.Top);
                    if (other is not null)
                    {
                        pairs.Add(house.Namespace, room, other);
                    }
                }
            }

            return pairs;
        }
    }

    [Fact]
    public void Source_EveryDependency_PointsDown() => Assert.Equal("", string.Join(Environment.NewLine, JudgeKnown.Value.Violations()));

    [Fact]
    public void Table_NamesEveryFolderAndNoOther()
    {
        foreach (House house in Floors.Houses)
        {
            IEnumerable<string> folders = Directory.GetDirectories(CommandRunner.At(house.Folder))
                .Select(folder => Path.GetFileName(folder)!)
                .Where(name => name is not ("bin" or "obj" or "Properties"));
            Assert.Equal(house.Rooms.Where(room => room != House.Top).Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [MemberData(nameof(ForbiddenPairs))]
    public void PlantedUsing_IsFound(string house, string room, string other) =>
        AssertFound(house, room, $"using {house}.{other};", "", other);

    [Theory]
    [MemberData(nameof(ForbiddenPairs))]
    public void PlantedQualifiedName_IsFound(string house, string room, string other) =>
        AssertFound(house, room, "", $"private {other}.{TypeOf(house, other)}? _planted;", other);

    [Theory]
    [MemberData(nameof(ForbiddenPairs))]
    public void PlantedConstant_IsFound(string house, string room, string other) =>
        AssertFound(house, room, "", $"private const long Planted = {house}.{other}.{TypeOf(house, other)}.Number;", other);

    [Theory]
    [InlineData("VmSim.Core", "Engine", "using VmSim.Actors.Running;")]
    [InlineData("VmSim.Actors", "Simulation", "using Command = VmSim.Host.CommandLineApp;")]
    public void PlantedUsingOfAHigherProject_IsFound(string house, string room, string directive)
    {
        string violation = Assert.Single(Judge(house, room, directive, ""));
        Assert.Contains($"{room}/Planted.cs:1 names VmSim.", violation, StringComparison.Ordinal);
    }

    [Fact]
    public void PlantedFile_ThatLooksDown_IsNoViolation() =>
        Assert.Empty(
            Judge(
                "VmSim.Core",
                "Kernel",
                "using VmSim.Core.Memory;",
                "private Paging.PageTable? _planted; private const ushort Flag = VirtualTime.SimMessage.Bytes;"));

    private static void AssertFound(string house, string room, string directive, string member, string other)
    {
        House at = HouseOf(house);
        int line = directive.Length > 0 ? 1 : 6;
        string violation = Assert.Single(Judge(house, room, directive, member));
        string file = room.Length == 0 ? "Planted.cs" : $"{room}/Planted.cs";
        Assert.StartsWith($"{file}:{line} names {other}", violation, StringComparison.Ordinal);
        Assert.EndsWith(
            $"floor {at.FloorOf(room)} must not know floor {at.FloorOf(other)}; see docs/architecture.md",
            violation,
            StringComparison.Ordinal);
    }

    private static IReadOnlyList<string> Judge(string house, string room, string directive, string member)
    {
        House at = HouseOf(house);
        string path = room.Length == 0 ? $"{at.Folder}/Planted.cs" : $"{at.Folder}/{room}/Planted.cs";
        string space = room.Length == 0 ? house : $"{house}.{room}";
        SourceFile planted = new(path, $"{directive}\n\nnamespace {space};\n\ninternal sealed class Planted {{\n{member}\n}}\n");
        return JudgeKnown.Value.Violations(planted);
    }

    private static House HouseOf(string name) => Floors.Houses.Single(house => house.Namespace == name);

    private static string TypeOf(string house, string room) => JudgeKnown.Value.TypesOf(HouseOf(house), room).First();
}
