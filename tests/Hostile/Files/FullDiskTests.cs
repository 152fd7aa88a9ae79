using System.Diagnostics;
using System.Globalization;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Files;

/// <summary>
/// Files that cannot be written to their end: each command says so by exit code 65 and a sentence, the old files stay as they were, and
/// nothing else stays behind.
/// </summary>
public sealed class FullDiskTests(ITestOutputHelper log) : Scratch
{
    private static readonly string[] Commands =
    [
        "trace cut big.vmt -o DISK/out.vmt",
        "trace cut big.vmt -o DISK/out.vmt.gz",
        "trace cut big.vmt -o DISK/out.vmtb",
        "import perf log -o DISK/out.vmt",
        "import strace forks -o DISK/out.vmt",
        "run tiny.conf --out DISK",
        "run tiny.conf --out DISK --shootdowns",
        "run tiny.conf --out DISK/new/run",
        "tlb tlb.csv -o DISK/out.csv",
    ];

    /// <summary>A limit of the process, which any user may set.</summary>
    [Fact]
    public async Task AnyCommand_BeyondTheLimitOfFiles_LeavesTheOldOnes()
    {
        WriteInputs();
        Directory.CreateDirectory(At("disk"));
        foreach (string command in (string[])[Commands[0], Commands[5], Commands[8]])
        {
            // The runtime's own memory is a file too unless it may write what it executes.
            await TakeAsync(command, "export DOTNET_EnableWriteXorExecute=0; ulimit -f 2", mounts: false, OtherUser.Same);
        }
    }

    /// <summary>
    /// A real disk of 64 KiB that is full, or nearly, in a mount namespace of this user's own; also as a user who is not root.
    /// </summary>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(0, true)]
    public async Task AnyCommand_OnAFullDisk_LeavesTheOldFiles(int pagesFree, bool asAnother)
    {
        WriteInputs();
        Directory.CreateDirectory(At("disk"));
        OtherUser user = asAnother ? OtherUser.In(Folder) : OtherUser.Same;
        string full = $"mount -t tmpfs -o size=64k tmpfs disk; {Old}; head -c 1M /dev/zero >disk/fill 2>/dev/null; "
            + $"truncate -s -{pagesFree * 4096} disk/fill; {user.Owns("disk disk/*")}";
        string[] small = ["certs authority DISK/ca", "capture --maps DISK/out.maps -- /bin/true"];
        foreach (string command in pagesFree == 0 ? [.. Commands, .. small] : Commands)
        {
            await TakeAsync(command, full, mounts: true, user);
        }
    }

    private static string Old => "for f in effective.conf stats.txt report.json out.vmt out.csv; do echo old >disk/$f; done";

    private void WriteInputs()
    {
        Random random = new(1);
        string lines = string.Concat(Enumerable.Range(0, 40_000).Select(_ => $"R {random.Next(1 << 28):x}\n"));
        Write("big.vmt", $"# vmt 1 x pagesize 4096\nt 1\n{lines}");
        Write("log", string.Concat(Enumerable.Range(0, 20_000).Select(
            i => $"prog 12/12 {i / 1000}.{i % 1000:000}: page-faults: {random.Next(1 << 28):x}000\n")));
        Write("forks", string.Concat(Enumerable.Range(0, 300).Select(
            i => $"12 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = {i + 20}\n"
                + $"{i + 20} mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f{i:x8}000\n")));
        Write("tiny.conf", Tiny);
        Write("tlb.csv", "name,stream,pages,n\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"row{i},uniform,16,10\n")));
    }

    private async Task TakeAsync(string command, string limit, bool mounts, OtherUser user)
    {
        string line = command.Replace("DISK", "disk", StringComparison.Ordinal);
        string script = $"cd {Folder}; {Old}; ls -A disk >before; ({limit}; ls -A disk >before; {user.Program} {line}; echo $? >code; "
            + "ls -A disk >after; cat disk/effective.conf disk/stats.txt disk/report.json disk/out.vmt disk/out.csv >old)";
        (string output, string error) = await ShellAsync(user.Unshare(mounts), script);
        string said = $"{command}: {output}{error}";
        Assert.True(File.Exists(At("code")), said);
        Assert.True(int.Parse(await File.ReadAllTextAsync(At("code")), CultureInfo.InvariantCulture) == 65, said);
        string[] reasons = ["No space left", "too large"];
        Assert.True(Array.Exists(reasons, reason => error.Contains(reason, StringComparison.OrdinalIgnoreCase)), said);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal(await File.ReadAllTextAsync(At("before")), await File.ReadAllTextAsync(At("after")));
        Assert.Equal("old\nold\nold\nold\nold\n", await File.ReadAllTextAsync(At("old")));
        log.WriteLine($"{command}: {error.Trim()}");
    }

    private static async Task<(string Output, string Error)> ShellAsync(string[] before, string script)
    {
        string[] command = [.. before, "bash", "-c", script];
        using Process shell = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        Task<string> output = shell.StandardOutput.ReadToEndAsync();
        string error = await shell.StandardError.ReadToEndAsync().OrHangAsync();
        await shell.WaitForExitAsync().OrHangAsync();
        return (await output.OrHangAsync(), error);
    }
}
