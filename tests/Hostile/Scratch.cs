using System.Globalization;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Hostile.Tests;

/// <summary>A folder of a test's own, and command lines over files in it.</summary>
public abstract class Scratch : IDisposable
{
    /// <summary>A scenario of one thread that ends soon.</summary>
    protected const string Tiny =
        "machine.cores = 2\nmachine.sockets = 1\nuntil = 20us\nprocesses = [\n {\n program = pattern\n threads = 1\n }\n]\n";

    /// <summary>The folder.</summary>
    protected string Folder { get; } = Directory.CreateTempSubdirectory("vmsim-hostile-").FullName;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A number that the environment gives, such as where random draws begin and how many there are.</summary>
    internal static int Number(string name, int standard) => int.Parse(
        Environment.GetEnvironmentVariable(name) ?? standard.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>A file that is handed to the program, as it came.</summary>
    protected static string Data(string name) => Path.Combine(AppContext.BaseDirectory, "Data", name);

    /// <summary>Asserts that words stand in what was said.</summary>
    protected static void AssertSays(string expected, string said) => Assert.Contains(expected, said, StringComparison.Ordinal);

    /// <summary>A path in the folder.</summary>
    protected string At(string name) => Path.Combine(Folder, name);

    /// <summary>Writes a file into the folder.</summary>
    protected string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    /// <summary>Runs a command line that is to be refused, and gives the message, which a person can read.</summary>
    protected static async Task<string> RefusedAsync(params string[] args)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(args);
        Assert.True(code is 64 or 65, $"exit code {code}: {output}{error}");
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("Object reference", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', error);
        return error;
    }

    /// <summary>Removes the folder.</summary>
    protected virtual void Dispose(bool disposing) => Directory.Delete(Folder, recursive: true);
}
