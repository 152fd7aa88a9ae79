using System.Xml.Linq;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Commands;

public sealed class ValidateCommandTests : IDisposable
{
    private const string Head = "program,beside,pages,figure,unit,measured,source\n";
    private const string Begin = "<!-- validate -->\n";
    private const string End = "<!-- /validate -->\n";
    private static readonly string Page = CommandRunner.At("docs/validation.md");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-validate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Validate_Short_EveryFigureStandsInThePage()
    {
        string file = Path.Combine(_folder, "page.md");

        (int code, string output, string error) = await RunAsync("validate", "--short", "-o", file);

        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("### sapphire-rapids-kvm\n", output, StringComparison.Ordinal);
        HashSet<string> known = [.. await File.ReadAllLinesAsync(Page)];
        string[] lines = await File.ReadAllLinesAsync(file);
        string[] figures = [.. lines.SkipWhile(line => !line.StartsWith("| program", StringComparison.Ordinal))];
        Assert.True(figures.Length > 100, $"{figures.Length} lines");
        Assert.All(figures, line => Assert.Contains(line, known));
    }

    /// <summary>VMSIM_UPDATE_DOCS=1 writes the page and its picture anew.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task Validate_All_IsWhatThePageSays()
    {
        string file = Path.Combine(_folder, "page.md");
        string picture = Path.Combine(_folder, "picture.svg");

        (int code, _, string error) = await RunAsync("validate", "-o", file, "--picture", picture);

        Assert.Equal((0, ""), (code, error));
        string figures = await File.ReadAllTextAsync(file);
        string page = await File.ReadAllTextAsync(Page);
        string[] parts = page.Split([Begin, End], StringSplitOptions.None);
        string shown = CommandRunner.At("docs/images/validation.svg");
        Assert.Equal(3, parts.Length);
        if (Environment.GetEnvironmentVariable("VMSIM_UPDATE_DOCS") == "1")
        {
            page = parts[0] + Begin + figures + End + parts[2];
            await File.WriteAllTextAsync(Page, page);
            File.Copy(picture, shown, overwrite: true);
        }

        Assert.Equal(page, parts[0] + Begin + figures + End + parts[2]);
        Assert.Equal(await File.ReadAllTextAsync(shown), await File.ReadAllTextAsync(picture));
    }

    [Fact]
    public async Task Validate_OwnMachine_ComparesWithItsTableAndDrawsIt()
    {
        string machine = Machine("mmu,spin,4,interrupts,count,1,own\nmmu,spin,4,touch,ns,4574,own\npf1,threads,2,rate,1/s,1000,own\n");
        string page = Path.Combine(_folder, "page.md");
        string picture = Path.Combine(_folder, "picture.svg");

        (int code, string output, string error) = await RunAsync(
            "validate", "--machine", machine, "-o", page, "--picture", picture, "--threads", "1");

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("| all | 1/s | 1 |", output, StringComparison.Ordinal);
        string text = await File.ReadAllTextAsync(page);
        Assert.Contains("| mmu | spin | 4 | interrupts | count | 1.000 | 1.000 | exact | own |", text, StringComparison.Ordinal);
        XNamespace svg = "http://www.w3.org/2000/svg";
        XElement drawn = XDocument.Load(picture).Root!;
        Assert.Equal("mmu spin 4 touch", Assert.Single(drawn.Descendants(svg + "circle"), circle => circle.HasElements).Value);
    }

    [Theory]
    [InlineData("mmu,count,exact,100", 0)]
    [InlineData("*,ns,worst,1", 1)]
    [InlineData("mmu,ns,near,100", 1)]
    [InlineData("shrd,ns,median,1", 0)]
    public async Task Validate_Bounds_DecideTheExitCode(string bound, int expected)
    {
        string machine = Machine("mmu,none,4,interrupts,count,0,own\nmmu,none,4,touch,ns,100,own\n");
        await File.WriteAllTextAsync(Path.Combine(_folder, "own-bounds.csv"), $"family,unit,statistic,limit\n{bound}\n");

        (int code, _, string error) = await RunAsync("validate", "--machine", machine);

        Assert.Equal(expected, code);
        Assert.Equal(expected == 1, error.Contains("vmsim: bound broken: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mmx,none,1,touch,ns,1,x", "line 3, column program: found 'mmx'; allowed is mmu, ")]
    [InlineData("mmu,nobody,1,touch,ns,1,x", "column beside: found 'nobody'; allowed is none, spin, ")]
    [InlineData("mmu,none,0,touch,ns,1,x", "column pages: found '0'; allowed is a whole number from 1 to ")]
    [InlineData("mmu,none,1,fork,ns,1,x", "column figure: found 'fork'; allowed is interrupts, faults, whole, mmap, touch, munmap")]
    [InlineData("mmu,none,1,touch,count,1,x", "column unit: found 'count'; allowed is ns with touch")]
    [InlineData("mmu,none,1,touch,ns,-1,x", "column measured: found '-1'; allowed is a number from 0 to ")]
    [InlineData("mmu,none,1,touch,ns,1", "line 3: found 6 fields; 7 are needed")]
    [InlineData("tlb-flush2,ipi,4,change,%,1,x", "column figure: found 'change'; allowed is rate with ipi")]
    [InlineData("tlb-flush2,broadcast-against-ipi,4,rate,1/s,1,x", "found 'rate'; allowed is change with broadcast-against-ipi")]
    [InlineData("area-locks,areas-against-mmap-lock,4,change,%,-101,x", "column measured: found '101'; allowed is a number from 0 to 100")]
    [InlineData("mmu,none,1,touch,ns,1,x\nmmu,none,1,touch,ns,1,x", "line 4: found touch of mmu,none,1 again; it stands in line 3")]
    public async Task Validate_WrongTable_SaysWhereAndWhatIsAllowed(string lines, string message)
    {
        (int code, _, string error) = await RunAsync("validate", "--machine", Machine(lines + "\n"));

        Assert.Equal(65, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_MachineWithoutTable_SaysWhichIsNeeded()
    {
        string machine = Machine("");
        File.Delete(Path.ChangeExtension(machine, ".csv"));

        (int code, _, string error) = await RunAsync("validate", "--machine", machine);

        Assert.Equal(65, code);
        Assert.Contains("own.csv: there is no such file; the figures measured on ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_MachineWithProcesses_IsRefused()
    {
        string machine = Machine("mmu,none,1,touch,ns,1,x\n");
        await File.AppendAllTextAsync(machine, "processes = [ { program { kind = loops } } ]\n");

        (int code, _, string error) = await RunAsync("validate", "--machine", machine);

        Assert.Equal(65, code);
        Assert.Contains("processes: found a list; a machine without processes is needed here", error, StringComparison.Ordinal);
    }

    /// <summary>Without a machine, all that ship are compared, each under its name, machine, kernel and costs.</summary>
    [Fact]
    public async Task Validate_AllMachines_HaveHeadsThatNameThem()
    {
        (int code, string output, _) = await RunAsync("validate", "--short", "--threads", "2");

        Assert.Equal(0, code);
        string[] files = Directory.GetFiles(CommandRunner.At("config/validation"), "*.conf");
        string[] machines = [.. files.Select(file => Path.GetFileNameWithoutExtension(file))];
        Assert.True(machines.Length >= 6, $"{machines.Length} machines");
        Assert.All(machines, machine => Assert.Contains($"### {machine}\n", output, StringComparison.Ordinal));
        Assert.Contains("Machine `zen3`, kernel `linux-6.14`.\n", output, StringComparison.Ordinal);
    }

    /// <summary>Programs that were recorded count what other runs of them counted, as far as their bounds say.</summary>
    [Fact]
    public async Task Validate_RecordedPrograms_AreWithinTheirBoundsAndStandInThePage()
    {
        (int code, string output, string error) = await RunAsync(
            "validate", "--machine", CommandRunner.At("config/validation/programs.conf"));

        Assert.Equal((0, ""), (code, error));
        string[] rows = [.. output.Split('\n').Where(line => line.Contains("% | yes | f", StringComparison.Ordinal))];
        Assert.Equal(18, rows.Length);
        HashSet<string> known = [.. await File.ReadAllLinesAsync(Page)];
        Assert.All(rows, row => Assert.Contains(row, known));
    }

    [Theory]
    [InlineData("118,118", 0, "")]
    [InlineData("1,2", 1, "own: ls, faults: ")]
    public async Task Validate_OwnProgram_DecidesTheExitCode(string range, int expected, string words)
    {
        string machine = Machine("");
        File.Delete(Path.ChangeExtension(machine, ".csv"));
        Directory.CreateDirectory(Path.Combine(_folder, "own"));
        File.Copy(CommandRunner.At("config/traces/ls.vmt.gz"), Path.Combine(_folder, "own", "ls.vmt.gz"));
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "own-ranges.csv"), $"program,figure,least,most,bound,source\nls,faults,{range},3,own\n");

        (int code, string output, string error) = await RunAsync("validate", "--machine", machine);

        Assert.Equal(expected, code);
        Assert.Contains("| ls | faults | ", output, StringComparison.Ordinal);
        Assert.Equal(expected == 1, error.Contains($"vmsim: bound broken: {words}", StringComparison.Ordinal));
    }

    private static Task<(int Code, string Output, string Error)> RunAsync(params string[] args) => CommandRunner.RunAsync(args);

    private string Machine(string figures)
    {
        string machine = Path.Combine(_folder, "own.conf");
        File.Copy(CommandRunner.At("config/validation/sapphire-rapids-kvm.conf"), machine);
        File.WriteAllText(Path.Combine(_folder, "own.csv"), $"# measured nowhere\n{Head}{figures}");
        return machine;
    }
}
