using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using VmSim.Core.Shootdown;

namespace VmSim.Mutants;

/// <summary>Makes protocols from changed sources.</summary>
internal sealed class MutantCompiler
{
    /// <summary>The assembly that may use what is internal to Core, as the sources do where they stand.</summary>
    private const string AssemblyName = "VmSim.Mutant";

    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        """;

    private readonly MetadataReference[] _references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetExtension(path) == ".dll").Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private readonly SyntaxTree _usings = CSharpSyntaxTree.ParseText(Usings, new CSharpParseOptions(LanguageVersion.Latest));

    /// <summary>Makes the protocol of a mutant.</summary>
    /// <returns>Null if it is no C# any more.</returns>
    public IShootdownProtocol? Compile(Mutant mutant, Type original)
    {
        CSharpCompilation compilation = CSharpCompilation.Create(
            AssemblyName,
            [_usings, .. mutant.Sources],
            _references,
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary,
                optimizationLevel: OptimizationLevel.Release,
                nullableContextOptions: NullableContextOptions.Enable));
        using MemoryStream image = new();
        if (!compilation.Emit(image).Success)
        {
            return null;
        }

        Type type = Assembly.Load(image.ToArray()).GetType(original.FullName!, throwOnError: true)!;
        return (IShootdownProtocol)Activator.CreateInstance(type)!;
    }
}
