using System.Diagnostics;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Architecture;

/// <summary>The samples: with every change they compile, and the long test builds and runs them from the packages alone.</summary>
public sealed class SampleTests
{
    private const string Folder = "samples";

    /// <summary>Whether the tests were built for release; packages are made alike.</summary>
    private static readonly string Configuration =
        new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name is "Release" or "Debug"
            ? new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name
            : throw new InvalidOperationException($"{AppContext.BaseDirectory} is in no folder of a configuration");

    public static TheoryData<string> Projects =>
        [.. Directory.GetFiles(CommandRunner.At(Folder), "*.csproj", SearchOption.AllDirectories)
            .Select(project => Path.GetFileNameWithoutExtension(project)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Sample_AgainstTheTestedAssemblies_Compiles(string project) =>
        Assert.Equal("", SampleCompiler.Complaints(SourceFile.Below($"{Folder}/{project}")));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Sample_OfTheFolder_IsInTheSolutionAndOnThePage(string project)
    {
        string solution = File.ReadAllText(CommandRunner.At($"{Folder}/Samples.slnx"));
        Assert.Contains($"{project}/{project}.csproj", solution, StringComparison.Ordinal);
        Assert.Contains($"| `{project}` |", File.ReadAllText(CommandRunner.At($"{Folder}/README.md")), StringComparison.Ordinal);
    }

    /// <summary>
    /// Packs, and goes from there as a stranger would: in a folder of its own, with the tool and the packages alone. Packing builds: the
    /// tool is compiled once more for the machine that it is packed for.
    /// </summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task PackagesAlone_GiveTheToolAndRunTheSamples()
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-samples-").FullName;
        try
        {
            string packages = Path.Combine(folder, "artifacts");
            string samples = Path.Combine(folder, Folder);
            await DotnetAsync(folder, "pack", CommandRunner.At("Simulation.sln"), "-c", Configuration, "-o", packages, "-nodeReuse:false");
            Assert.Equal(
                ["VmSim.Actors", "VmSim.Core", "VmSim.Mapping", "VmSim.Testing", "VmSim.Traces", "vmsim", "vmsim.any", "vmsim.linux-x64"],
                Directory.GetFiles(packages).Select(file => Path.GetFileName(file).Split(".0.")[0]).Order(StringComparer.Ordinal));

            string tool = Path.Combine(folder, "tool");
            await DotnetAsync(folder, "tool", "install", "vmsim", "--tool-path", tool, "--source", packages);
            string ran = await RunAsync(folder, Path.Combine(tool, "vmsim"), "run", "quickstart");
            Assert.Contains("completed", ran, StringComparison.Ordinal);

            CopySamples(samples);
            await DotnetAsync(
                samples,
                "build",
                "Samples.slnx",
                "-c",
                "Release",
                "-warnaserror",
                "-nodeReuse:false",
                "-p:UseSharedCompilation=false",
                "-p:NuGetAudit=false",
                $"-p:RestoreAdditionalProjectFallbackFolders={OtherPackages(folder)}");
            Assert.Contains(
                "refused: AlreadyExists", await DotnetAsync(samples, Run("MemorySet")), StringComparison.Ordinal);
            Assert.Contains("latr: completed", await DotnetAsync(samples, Run("Hosted")), StringComparison.Ordinal);
            string tests = await DotnetAsync(samples, "test", "Samples.slnx", "-c", "Release", "--no-build", "-nodeReuse:false");
            Assert.Equal(3, tests.Split("Passed!").Length - 1);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Run(string project) => ["run", "-c", "Release", "--no-build", "--project", project];

    private static void CopySamples(string target)
    {
        string source = CommandRunner.At(Folder);
        foreach (string file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            string path = Path.GetRelativePath(source, file);
            if (!path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or ".packages"))
            {
                string copy = Path.Combine(target, path);
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
    }

    /// <summary>
    /// A folder of all packages that this machine has unpacked, but for those of vmsim: an older one may have the same version.
    /// </summary>
    private static string OtherPackages(string folder)
    {
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string others = Directory.CreateDirectory(Path.Combine(folder, "others")).FullName;
        foreach (string package in Directory.GetDirectories(cache))
        {
            string name = Path.GetFileName(package);
            if (!name.StartsWith("vmsim", StringComparison.OrdinalIgnoreCase))
            {
                Directory.CreateSymbolicLink(Path.Combine(others, name), package);
            }
        }

        return others;
    }

    private static Task<string> DotnetAsync(string folder, params string[] arguments) => RunAsync(folder, "dotnet", arguments);

    /// <summary>Runs a program to its end, which must be a good one.</summary>
    /// <returns>What it wrote.</returns>
    private static async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // The packages go into the folder that the samples name; and what ends must not leave servers behind that hold its output open.
        start.Environment.Remove("NUGET_PACKAGES");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().OrHangAsync();
        string written = await output.OrHangAsync() + await error.OrHangAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {written}");
        return written;
    }
}
