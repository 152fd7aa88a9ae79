using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using VmSim.Core.Addresses;
using VmSim.Host;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>A copy of the program that is another build: one of its assemblies has another number of the compiler's.</summary>
internal static class OtherBuild
{
    /// <summary>Makes a copy.</summary>
    /// <param name="folder">Where; it is made.</param>
    /// <returns>The program to start.</returns>
    public static string In(string folder)
    {
        string program = typeof(CommandLineApp).Assembly.Location;
        string from = Path.GetDirectoryName(program)!;
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(folder, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Change(Path.Combine(folder, Path.GetFileName(typeof(VirtAddr).Assembly.Location)));
        return Path.Combine(folder, Path.GetFileName(program));
    }

    private static void Change(string assembly)
    {
        byte[] bytes = File.ReadAllBytes(assembly);
        byte[] number;
        using (PEReader reader = new(new MemoryStream(bytes)))
        {
            MetadataReader metadata = reader.GetMetadataReader();
            number = metadata.GetGuid(metadata.GetModuleDefinition().Mvid).ToByteArray();
        }

        int at = bytes.AsSpan().IndexOf(number);
        Assert.True(at > 0, $"{assembly} does not have its number in it");
        bytes[at] ^= 0xff;
        File.WriteAllBytes(assembly, bytes);
    }
}
