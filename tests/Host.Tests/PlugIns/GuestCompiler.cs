using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmSim.Host.Tests.PlugIns;

/// <summary>Compiles small plug-ins, each into a folder of its own.</summary>
internal sealed class GuestCompiler : IDisposable
{
    private const string Usings =
        "using System; using System.Collections.Generic; using VmSim.Core.Addresses; using VmSim.Core.Memory; "
        + "using VmSim.Core.Memory.Backends; using VmSim.Core.Mapping;\n";

    private static readonly Lazy<MetadataReference[]> Platform = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(file => (MetadataReference)MetadataReference.CreateFromFile(file)),
    ]);

    /// <summary>A backend's class that does what the lazy one does, with more members.</summary>
    public static string Backend(string name, string members) =>
        $"namespace Guest; public sealed class {name} : MemoryBackend {{ public override string Name => \"{name}\"; "
        + "public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => LazyBackend.Instance.HandleFault(fault, memory); "
        + $"{members} }}";

    public string Folder { get; } = Directory.CreateTempSubdirectory("vmsim-guests-").FullName;

    /// <summary>Compiles an assembly.</summary>
    /// <returns>Its file.</returns>
    public string Compile(string name, string source, Microsoft.CodeAnalysis.Platform machine = default, params string[] references)
    {
        string file = Path.Combine(Directory.CreateDirectory(Path.Combine(Folder, name)).FullName, name + ".dll");
        IEnumerable<MetadataReference> all = Platform.Value
            .Where(known => !references.Any(other => Path.GetFileName(other) == Path.GetFileName(known.Display)))
            .Concat(references.Select(other => MetadataReference.CreateFromFile(other)));
        CSharpCompilationOptions options = new(OutputKind.DynamicallyLinkedLibrary, platform: machine);
        CSharpCompilation compilation = CSharpCompilation.Create(name, [CSharpSyntaxTree.ParseText(source)], all, options);
        Microsoft.CodeAnalysis.Emit.EmitResult result = compilation.Emit(file);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return file;
    }

    /// <summary>As <see cref="Compile"/>, with the usings that a backend needs.</summary>
    public string CompileBackend(string name, string members, params string[] references) =>
        Compile(name, Usings + Backend("Backend", members), default, references);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
