using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Architecture;

/// <summary>A source file, as the judges of source read it.</summary>
/// <param name="Path">Its path from the top of the repository, with forward slashes.</param>
/// <param name="Text">What is in it.</param>
internal sealed record SourceFile(string Path, string Text)
{
    /// <summary>
    /// Reads the C# files below some folders of the repository, in the order of their paths; what a build makes is left out.
    /// </summary>
    public static IReadOnlyList<SourceFile> Below(params ReadOnlySpan<string> folders)
    {
        List<SourceFile> files = [];
        foreach (string folder in folders)
        {
            foreach (string file in Directory.GetFiles(CommandRunner.At(folder), "*.cs", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal))
            {
                string path = System.IO.Path.GetRelativePath(CommandRunner.Root, file).Replace('\\', '/');
                if (!path.Split('/').Any(part => part is "bin" or "obj"))
                {
                    files.Add(new SourceFile(path, File.ReadAllText(file)));
                }
            }
        }

        return files;
    }
}
