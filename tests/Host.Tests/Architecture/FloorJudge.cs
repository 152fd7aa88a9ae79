using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmSim.Host.Tests.Architecture;

/// <summary>
/// Judges source files by the table of floors: every <c>using</c>, and every name that a file reaches without one (qualified from a
/// namespace around it, or declared in one). It reads source and not assemblies, since a constant of another room leaves no trace in an
/// assembly.
/// </summary>
internal sealed class FloorJudge
{
    private readonly IReadOnlyList<House> _houses;

    /// <summary>Types by full name of their namespace.</summary>
    private readonly Dictionary<string, HashSet<string>> _types = [];

    private readonly List<(SourceFile File, CompilationUnitSyntax Unit)> _units = [];

    /// <summary>Reads the files.</summary>
    public FloorJudge(IReadOnlyList<House> houses, IEnumerable<SourceFile> files)
    {
        _houses = houses;
        foreach (SourceFile file in files)
        {
            CompilationUnitSyntax unit = Parse(file);
            _units.Add((file, unit));
            foreach (BaseNamespaceDeclarationSyntax space in unit.Members.OfType<BaseNamespaceDeclarationSyntax>())
            {
                HashSet<string> types = _types.TryGetValue(space.Name.ToString(), out HashSet<string>? known)
                    ? known
                    : _types[space.Name.ToString()] = [];
                types.UnionWith(space.Members.OfType<BaseTypeDeclarationSyntax>().Select(type => type.Identifier.Text));
                types.UnionWith(space.Members.OfType<DelegateDeclarationSyntax>().Select(type => type.Identifier.Text));
            }
        }
    }

    /// <summary>Names of the types of a room that stand in its own namespace.</summary>
    public IEnumerable<string> TypesOf(House house, string room) =>
        _types.GetValueOrDefault(NamespaceOf(house, room), []).Order(StringComparer.Ordinal);

    /// <summary>What breaks the rules in a file that is not among those read, a line each.</summary>
    public IReadOnlyList<string> Violations(SourceFile file) => [.. Judge(file, Parse(file)).Distinct()];

    /// <summary>What breaks the rules, a line each.</summary>
    public IReadOnlyList<string> Violations() => [.. _units.SelectMany(unit => Judge(unit.File, unit.Unit)).Distinct()];

    private static CompilationUnitSyntax Parse(SourceFile file) =>
        CSharpSyntaxTree.ParseText(file.Text, new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.Parse))
            .GetCompilationUnitRoot();

    private static string NamespaceOf(House house, string room) => room == House.Top ? house.Namespace : $"{house.Namespace}.{room}";

    private static string InHouse(House house, string path) => path[(house.Folder.Length + 1)..];

    private IEnumerable<string> Judge(SourceFile file, CompilationUnitSyntax unit)
    {
        House? house = _houses.FirstOrDefault(house => file.Path.StartsWith(house.Folder + "/", StringComparison.Ordinal));
        if (house is null)
        {
            yield break;
        }

        string[] parts = InHouse(house, file.Path).Split('/');
        string room = parts.Length == 1 ? House.Top : parts[0];
        if (house.FloorOf(room) < 0)
        {
            yield return $"{InHouse(house, file.Path)}:1 is in room {room}, which is on no floor; see docs/architecture.md";
            yield break;
        }

        string expected = string.Join('.', parts[..^1].Prepend(house.Namespace));
        string[] around = [.. unit.Members.OfType<BaseNamespaceDeclarationSyntax>().Select(space => space.Name.ToString())];
        if (around.Length > 0 && around[0] != expected)
        {
            yield return $"{InHouse(house, file.Path)}:1 declares namespace {around[0]}; its folder's is {expected}";
        }

        string own = around.Length > 0 ? around[0] : expected;
        foreach ((int line, string name) in Names(unit, own))
        {
            if (Broken(house, room, name) is { } broken)
            {
                yield return $"{InHouse(house, file.Path)}:{line} names {broken}; see docs/architecture.md";
            }
        }
    }

    /// <summary>Full names that a file uses of the houses, with their lines.</summary>
    private IEnumerable<(int Line, string Name)> Names(CompilationUnitSyntax unit, string own)
    {
        foreach (UsingDirectiveSyntax directive in unit.DescendantNodes().OfType<UsingDirectiveSyntax>())
        {
            foreach (NameSyntax name in directive.DescendantNodes().OfType<NameSyntax>()
                .Where(name => name.Parent is not QualifiedNameSyntax))
            {
                yield return (LineOf(name), name.ToString());
            }
        }

        foreach (SimpleNameSyntax name in unit.DescendantNodes(descendIntoTrivia: true).OfType<SimpleNameSyntax>().Where(IsFirst))
        {
            if (name.Ancestors().Any(ancestor => ancestor is UsingDirectiveSyntax))
            {
                continue;
            }

            if (Resolve(own, Whole(name)) is { } full)
            {
                yield return (LineOf(name), full);
            }
        }
    }

    /// <summary>Whether a name is not what stands behind the dot of another.</summary>
    private static bool IsFirst(SimpleNameSyntax name) => name.Parent switch
    {
        QualifiedNameSyntax qualified => qualified.Left == name,
        MemberAccessExpressionSyntax access => access.Expression == name,
        MemberBindingExpressionSyntax => false,
        NameMemberCrefSyntax { Parent: QualifiedCrefSyntax } => false,
        NameColonSyntax or NameEqualsSyntax or BaseNamespaceDeclarationSyntax => false,
        _ => true,
    };

    /// <summary>The name with all that is behind its dots.</summary>
    private static string[] Whole(SimpleNameSyntax name)
    {
        List<string> parts = [name.Identifier.Text];
        SyntaxNode node = name;
        while (true)
        {
            switch (node.Parent)
            {
                case QualifiedNameSyntax qualified when qualified.Left == node:
                    parts.Add(qualified.Right.Identifier.Text);
                    break;
                case MemberAccessExpressionSyntax access when access.Expression == node:
                    parts.Add(access.Name.Identifier.Text);
                    break;
                case QualifiedCrefSyntax cref when cref.Container == node && cref.Member is NameMemberCrefSyntax member:
                    parts.Add(member.Name.ToString());
                    break;
                default:
                    return [.. parts];
            }

            node = node.Parent!;
        }
    }

    /// <summary>
    /// The namespace and type that a name means where it stands, found as the compiler does: from the innermost namespace outwards; null if
    /// it means none of the houses' types.
    /// </summary>
    private string? Resolve(string own, string[] name)
    {
        for (string around = own; around.Length > 0; around = around.LastIndexOf('.') is >= 0 and int dot ? around[..dot] : "")
        {
            // A type of a namespace around the file, which needs no using.
            if (around != own && _types.TryGetValue(around, out HashSet<string>? types) && types.Contains(name[0]))
            {
                return $"{around}.{name[0]}";
            }

            if (Longest($"{around}.{name[0]}", name) is { } full)
            {
                return full;
            }
        }

        return Longest(name[0], name);
    }

    private string? Longest(string space, string[] name)
    {
        for (int next = 1; next < name.Length; next++)
        {
            if (_types.TryGetValue(space, out HashSet<string>? types) && types.Contains(name[next]))
            {
                return $"{space}.{name[next]}";
            }

            space = $"{space}.{name[next]}";
        }

        return null;
    }

    private string? Broken(House house, string room, string name)
    {
        for (int i = 0; i < _houses.Count; i++)
        {
            House other = _houses[i];
            if (name != other.Namespace && !name.StartsWith(other.Namespace + ".", StringComparison.Ordinal))
            {
                continue;
            }

            if (other != house)
            {
                return i < _houses.ToList().IndexOf(house) ? null : $"{name}: {house.Namespace} must not know {other.Namespace}";
            }

            string rest = name.Length > other.Namespace.Length ? name[(other.Namespace.Length + 1)..] : "";
            string first = rest.Split('.')[0];
            string target = other.FloorOf(first) >= 0 && first.Length > 0 ? first : House.Top;
            int from = house.FloorOf(room);
            int to = other.FloorOf(target);
            return target == room || to < from || (to < 0 && rest.Length == 0)
                ? null
                : $"{rest}: floor {from} must not know floor {to}";
        }

        return null;
    }

    private static int LineOf(SyntaxNode node) => node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
}
