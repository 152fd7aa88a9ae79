using System.Reflection;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Architecture;

/// <summary>Pages name what there is, link to what there is, and hold one sentence a line.</summary>
public sealed class DocumentTests
{
    private const string Architecture = "docs/architecture.md";
    private const string FloorsBegin = "<!-- floors -->\n";
    private const string FloorsEnd = "<!-- /floors -->";
    private const int ColumnsMax = 250;

    private static readonly Lazy<Dictionary<string, List<Type>>> Types = new(() => ReadTypes());
    private static readonly Lazy<HashSet<string>> Files = new(() => ReadFiles());

    /// <summary>Pages about the code: every type and member that they name must exist.</summary>
    public static TheoryData<string> PagesAboutCode => [.. Markdown.Pages.Where(page => page == Architecture || page == "CONTRIBUTING.md"
        || page.StartsWith("docs/decisions/", StringComparison.Ordinal) || page.StartsWith("src/", StringComparison.Ordinal))];

    public static TheoryData<string> AllPages => [.. Markdown.Pages];

    /// <summary>VMSIM_UPDATE_DOCS=1 writes the picture anew.</summary>
    [Fact]
    public void Picture_OfTheFloors_IsThatOfTheTable()
    {
        string page = CommandRunner.At(Architecture);
        string text = File.ReadAllText(page);
        int begin = text.IndexOf(FloorsBegin, StringComparison.Ordinal) + FloorsBegin.Length;
        int end = text.IndexOf(FloorsEnd, StringComparison.Ordinal);
        Assert.True(begin >= FloorsBegin.Length && end > begin, $"{Architecture} has no {FloorsBegin.Trim()} before a {FloorsEnd}");
        if (Environment.GetEnvironmentVariable("VMSIM_UPDATE_DOCS") == "1")
        {
            text = text[..begin] + Floors.Picture() + text[end..];
            File.WriteAllText(page, text);
            end = text.IndexOf(FloorsEnd, StringComparison.Ordinal);
        }

        Assert.Equal(Floors.Picture(), text[begin..end]);
    }

    [Theory]
    [MemberData(nameof(PagesAboutCode))]
    public void NamesInAPage_Exist(string page) =>
        AssertNone(
            from found in Markdown.Names(page)
            where !Exists(found.Name)
            select $"{page}:{found.Number} names {found.Name}, which is "
                + $"no type, member, room or file");

    [Theory]
    [MemberData(nameof(AllPages))]
    public void LinksOfAPage_LeadSomewhere(string page) =>
        AssertNone(
            from link in Markdown.Links(page)
            where !LeadsSomewhere(page,
                link.Target)
            select $"{page}:{link.Number} links to {link.Target}, which is not there");

    [Theory]
    [MemberData(nameof(AllPages))]
    public void ProseOfAPage_HoldsOneSentenceALine(string page) => AssertNone(
        from line in Markdown.Prose(page)
        let isLong = line.Text.Length > ColumnsMax
        where isLong || Markdown.HoldsTwoSentences(line.Text)
        let problem = isLong
            ? $"has {line.Text.Length} columns; {ColumnsMax} are allowed"
            : "holds two sentences; begin a line with the second"
        select $"{page}:{line.Number} {problem}: {line.Text}");

    [Theory]
    [InlineData("One sentence with `Type.Member`, e.g. this; and 2.3 GHz.", false)]
    [InlineData("**A head.** One sentence.", false)]
    [InlineData("1. A step of a list, as [a page](there.md#here) says.", false)]
    [InlineData("Two sentences. Here.", true)]
    [InlineData("- Two sentences (of a list.) `Name` begins the second.", true)]
    [InlineData("**Bold** begins. So does another.", true)]
    public void TwoSentences_AreFound(string prose, bool expected) => Assert.Equal(expected, Markdown.HoldsTwoSentences(prose));

    [Theory]
    [InlineData("World", true)]
    [InlineData("CoreMmu.Run", true)]
    [InlineData("Kernel", true)]
    [InlineData("DocumentTests", true)]
    [InlineData("VmSim.Host", true)]
    [InlineData("World.NoSuchMember", false)]
    [InlineData("NoSuchType", false)]
    public void NamesThatExist_AreToldApart(string name, bool expected) => Assert.Equal(expected, Exists(name));

    private static void AssertNone(IEnumerable<string> complaints)
    {
        string all = string.Join(Environment.NewLine, complaints);
        Assert.True(all.Length == 0, all);
    }

    private static bool Exists(string name)
    {
        string[] parts = name.Split('.');
        if (parts.Length == 1 || Files.Value.Contains(name))
        {
            return Files.Value.Contains(name) || Types.Value.ContainsKey(name)
                || Types.Value.Values.SelectMany(types => types).Any(type => HasMember(type, name));
        }

        return Types.Value.Values.Any(
            types => types.Exists(type => $"{type.Namespace}.".StartsWith($"{name}.", StringComparison.Ordinal)))
            || (Types.Value.TryGetValue(parts[0], out List<Type>? found) && found.Exists(type => HasMember(type, parts[1])));
    }

    private static bool HasMember(Type type, string name) =>
        type.GetMember(
            name,
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance
                | BindingFlags.FlattenHierarchy).Length > 0
        || type.GetInterfaces().Any(parent => parent.GetMember(name).Length > 0);

    /// <summary>The types of the program by name, generic ones without their parameters.</summary>
    private static Dictionary<string, List<Type>> ReadTypes()
    {
        Dictionary<string, List<Type>> types = [];
        HashSet<string> seen = [];
        Queue<Assembly> open = new([typeof(CommandLineApp).Assembly]);
        while (open.TryDequeue(out Assembly? assembly))
        {
            if (!seen.Add(assembly.FullName!))
            {
                continue;
            }

            foreach (Type type in assembly.GetTypes())
            {
                string name = type.Name.Split('`')[0];
                (types.TryGetValue(name, out List<Type>? known) ? known : types[name] = []).Add(type);
            }

            foreach (AssemblyName reference in assembly.GetReferencedAssemblies()
                .Where(reference => reference.Name!.StartsWith("VmSim", StringComparison.Ordinal)))
            {
                open.Enqueue(Assembly.Load(reference));
            }
        }

        return types;
    }

    /// <summary>
    /// Names of source and project files, without their endings, and of their folders: test classes, assemblies and rooms.
    /// </summary>
    private static HashSet<string> ReadFiles()
    {
        HashSet<string> names = [];
        foreach (string file in new[] { "src",
            "tests" }.SelectMany(folder => Directory.GetFiles(CommandRunner.At(folder), "*.cs*", SearchOption.AllDirectories)))
        {
            names.Add(Path.GetFileNameWithoutExtension(file));
            names.UnionWith(Path.GetRelativePath(CommandRunner.Root, Path.GetDirectoryName(file)!).Split(Path.DirectorySeparatorChar));
        }

        return names;
    }

    private static bool LeadsSomewhere(string page, string target)
    {
        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
        string full = CommandRunner.At(path);
        if (Directory.Exists(full))
        {
            return parts.Length == 1;
        }

        return File.Exists(full) && (parts.Length == 1 || Markdown.Anchors(path).Contains(parts[1], StringComparer.Ordinal));
    }
}
