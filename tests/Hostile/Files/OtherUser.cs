using System.Diagnostics;

namespace VmSim.Hostile.Tests.Files;

/// <summary>
/// Who runs a command in a script: the user of the tests, or one who is not root and to whom nothing belongs that root has. Where the
/// tests do not run as root, their own user is such a one.
/// </summary>
/// <param name="program">The command line that begins with the program.</param>
/// <param name="isNobody">Whether it is a user other than that of the tests.</param>
internal sealed class OtherUser(string program, bool isNobody)
{
    /// <summary>The user that owns nothing: the kernel's <c>overflowuid</c> (Documentation/admin-guide/sysctl/kernel.rst).</summary>
    private const int Nobody = 65534;

    private static readonly string Built = typeof(VmSim.Host.CommandLineApp).Assembly.Location;

    /// <summary>The user of the tests.</summary>
    public static OtherUser Same { get; } = new($"dotnet {Built}", isNobody: false);

    /// <summary>The command line that begins with the program.</summary>
    public string Program => program;

    /// <summary>A user who is not root, who may read a copy of the program in a folder, and to whom the folder belongs.</summary>
    public static OtherUser In(string folder)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return Same;
        }

        // The folder of the build need not be readable to others.
        string copy = Path.Combine(folder, "program");
        Run("cp", "-r", Path.GetDirectoryName(Built)!, copy);
        Run("chown", "-R", $"{Nobody}:{Nobody}", folder);
        string assembly = Path.Combine(copy, Path.GetFileName(Built));
        return new($"setpriv --reuid={Nobody} --regid={Nobody} --clear-groups env HOME={folder} dotnet {assembly}", isNobody: true);
    }

    /// <summary>A piece of a script that gives the user files.</summary>
    public string Owns(string files) => isNobody ? $"chown {Nobody}:{Nobody} {files}" : ":";

    /// <summary>
    /// What stands before a script, so that it may mount: a mount namespace, and a user namespace unless there are two users.
    /// </summary>
    public string[] Unshare(bool mounts) => !mounts ? [] : isNobody ? ["unshare", "-m"] : ["unshare", "-rm"];

    private static void Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(command, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
