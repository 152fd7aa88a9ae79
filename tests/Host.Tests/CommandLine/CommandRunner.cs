namespace VmSim.Host.Tests.CommandLine;

/// <summary>Runs command lines in this process, in the project's own folder.</summary>
internal static class CommandRunner
{
    /// <summary>The folder that holds Simulation.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path in the project's folder.</summary>
    public static string At(string path) => Path.Combine(Root, path);

    public static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        int code = await CommandLineApp.RunAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private static string FindRoot()
    {
        DirectoryInfo directory = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Simulation.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("Simulation.sln is not above the tests");
        }

        return directory.FullName;
    }
}
