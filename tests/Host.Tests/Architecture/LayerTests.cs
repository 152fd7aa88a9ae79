using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using VmSim.Actors.Running;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Traces;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Architecture;

public sealed class LayerTests
{
    private static readonly string[] FileTypes =
        [
            "System.IO.File",
            "System.IO.FileInfo",
            "System.IO.FileStream",
            "System.IO.Directory",
            "System.IO.DirectoryInfo",
            "System.IO.StreamWriter",
        ];

    private static readonly Assembly Mapping = typeof(VirtAddr).Assembly;
    private static readonly Assembly Core = typeof(World).Assembly;
    private static readonly Assembly Traces = typeof(VmtReader).Assembly;
    private static readonly Assembly Actors = typeof(SimulationRunner).Assembly;
    private static readonly Assembly Host = typeof(CommandLineApp).Assembly;

    public static TheoryData<string> SourceFolders =>
        [.. Directory.GetDirectories(CommandRunner.At("src"), "*", SearchOption.AllDirectories)
        .Where(
            folder =>
                !folder.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")
                    && Directory.GetFiles(folder, "*.cs").Length > 0)
        .Select(folder => Path.GetRelativePath(CommandRunner.Root, folder)).Order(StringComparer.Ordinal)];

    [Fact]
    public void Core_References_NothingButTheRuntime()
    {
        Assert.Empty(BeyondTheRuntime(Mapping));
        Assert.Equal(["VmSim.Mapping"], BeyondTheRuntime(Core));
        Assert.Equal(["VmSim.Core", "VmSim.Mapping", "ZstdSharp"], BeyondTheRuntime(Traces));
        Assert.All([Mapping, Core, Traces], assembly => Assert.DoesNotContain(
            assembly.GetReferencedAssemblies(), reference =>
                reference.Name is "System.Net.Http" or "System.Net.Sockets" or "System.Console" or "System.Diagnostics.Process"));
    }

    /// <summary>
    /// Types of files are the runtime's own and show in no reference to an assembly, so that types are asked for one by one.
    /// </summary>
    [Fact]
    public void Core_NamesNoTypeOfFiles()
    {
        Assert.All([Mapping, Core, Traces], assembly => Assert.Empty(TypesNamedBy(assembly).Intersect(FileTypes)));
        Assert.Contains("System.IO.File", TypesNamedBy(Host));
    }

    private static IEnumerable<string> TypesNamedBy(Assembly assembly)
    {
        using PEReader file = new(File.OpenRead(assembly.Location));
        MetadataReader metadata = file.GetMetadataReader();
        return [.. metadata.TypeReferences.Select(metadata.GetTypeReference)
            .Select(type => $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}")];
    }

    [Fact]
    public void Core_Source_ReadsNoFileAndNoClock()
    {
        string[] banned =
        [
            "File.Open",
            "File.Read",
            "File.Write",
            "new FileStream",
            "DateTime.Now",
            "DateTime.UtcNow",
            "Stopwatch",
            "Random.Shared",
            "Thread.Sleep",
            "Environment.TickCount",
            "Guid.NewGuid",
            "Console.",
        ];
        foreach (string file in Directory.GetFiles(CommandRunner.At("src/Core"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)))
        {
            string text = File.ReadAllText(file);
            Assert.All(banned, word => Assert.False(text.Contains(word, StringComparison.Ordinal), $"{file} uses {word}"));
        }
    }

    [Fact]
    public void Packages_ThatArePinned_AreReferenced()
    {
        string[] projects = Directory.GetFiles(CommandRunner.Root, "*.csproj", SearchOption.AllDirectories);
        HashSet<string> referenced =
            [.. projects.Append(CommandRunner.At("Directory.Build.props"))
                .SelectMany(project => XDocument.Load(project).Descendants("PackageReference"))
            .Select(reference => (string)reference.Attribute("Include")!)];
        XElement direct = XDocument.Load(CommandRunner.At("Directory.Packages.props")).Descendants("ItemGroup")
            .Single(group => (string?)group.Attribute("Label") == "Direct");
        Assert.All(
            direct.Elements("PackageVersion").Select(pin => (string)pin.Attribute("Include")!), pin => Assert.Contains(pin, referenced));
    }

    [Fact]
    public void Layers_PointOneWay()
    {
        Assert.Contains(Host.GetReferencedAssemblies(), reference => reference.Name == "VmSim.Actors");
        Assert.Contains(Actors.GetReferencedAssemblies(), reference => reference.Name == "VmSim.Core");
        Assert.DoesNotContain(Actors.GetReferencedAssemblies(), reference => reference.Name == "vmsim");
    }

    private static IEnumerable<string> BeyondTheRuntime(Assembly assembly) =>
        assembly.GetReferencedAssemblies().Select(reference => reference.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(SourceFolders))]
    public void SourceFolder_HasAReadme(string folder) =>
        Assert.True(File.Exists(Path.Combine(CommandRunner.Root, folder, "README.md")), $"{folder} has no README.md");

    [Fact]
    public void PublicTypes_AreDocumented()
    {
        foreach (Assembly assembly in new[] { Mapping, Core, Traces, Actors, Host })
        {
            XDocument documentation = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml"));
            HashSet<string> names =
                [.. documentation.Descendants("member").Where(member => member.Elements().Any())
                    .Select(member => (string)member.Attribute("name")!)];
            foreach (Type type in assembly.GetExportedTypes()
                .Where(type => type.Namespace?.StartsWith("VmSim", StringComparison.Ordinal) == true))
            {
                string name = "T:" + type.FullName!.Replace('+', '.');
                Assert.True(names.Contains(name), $"{name} has no summary");
            }
        }
    }
}
