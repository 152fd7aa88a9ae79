using System.Diagnostics;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Hostile.Tests.Files;

/// <summary>
/// Links stand where the program writes, under every name that it uses: none is followed, and what they lead to stays. Inputs stand there:
/// none is written over.
/// </summary>
public sealed class PlantedTests : Scratch
{
    private const string Log =
        "12 execve(\"/bin/x\", [\"x\"], 0x7ffd /* 3 vars */) = 0\n12 brk(NULL) = 0x55d000\n"
        + "12 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000\n"
        + "12 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 13\n"
        + "13 munmap(0x7f0000001000, 4096) = 0\n12 exit_group(0) = ?\n13 exit_group(0) = ?\n";

    private static readonly string[][] Commands =
    [
        ["run", "tiny.conf", "--out", "FOLDER", "--shootdowns"],
        ["trace", "cut", "in.vmt", "-o", "out.vmt"],
        ["import", "strace", "log", "-o", "out.vmt"],
        ["tlb", "tlb.csv", "-o", "out.csv"],
        ["capture", "--maps", "out.maps", "--", "/bin/true"],
        ["certs", "authority", "FOLDER"],
    ];

    private static readonly string[] Names =
    [
        "effective.conf", "stats.txt", "shootdowns.csv", "report.json", "out.vmt", "out.child.13.vmt", "out.csv", "out.maps",
        "authority.key", "authority.crt",
    ];

    [Fact]
    public async Task AnyCommand_LinksAtItsNames_FollowsNone()
    {
        WriteInputs();
        string kept = Write("kept", "precious");
        int refused = 0;
        foreach (string[] command in Commands)
        {
            foreach (string name in Names)
            {
                foreach (string target in (string[])[kept, At("missing")])
                {
                    File.CreateSymbolicLink(At(name), target);
                    (int code, string output, string error) = await GiveAsync(command);
                    Assert.True(code is 0 or 64 or 65, $"{string.Join(' ', command)}, link {name}: exit code {code}: {output}{error}");
                    Assert.Equal("precious", await File.ReadAllTextAsync(kept));
                    Assert.False(File.Exists(At("missing")), $"{string.Join(' ', command)}: the link {name} was followed");
                    Assert.Equal(target, new FileInfo(At(name)).LinkTarget);
                    string[] reasons = ["link", "exists"];
                    refused += Array.Exists(reasons, reason => error.Contains(reason, StringComparison.Ordinal)) ? 1 : 0;
                    Clean();
                }
            }
        }

        // A link that leads somewhere and one that leads nowhere, at each command's names; out.vmt is that of two.
        Assert.Equal(2 * (Names.Length + 1), refused);
    }

    /// <summary>As a user who is not root, where root has planted the links; kept is a file of the user's.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task AnyCommand_OfAnotherUser_FollowsNoLinkOfRoots()
    {
        WriteInputs();
        string kept = Write("kept", "precious");
        OtherUser user = OtherUser.In(Folder);
        foreach (string[] command in Commands)
        {
            string line = string.Join(' ', command).Replace("FOLDER", Folder, StringComparison.Ordinal);
            foreach (string target in (string[])[kept, At("missing")])
            {
                Array.ForEach(Names, name => File.CreateSymbolicLink(At(name), target));
                (int code, string said) = await ShellAsync($"cd {Folder}; {user.Program} {line}");
                Assert.True(code is 64 or 65, $"{line}: exit code {code}: {said}");
                Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
                Assert.Equal("precious", await File.ReadAllTextAsync(kept));
                Assert.False(File.Exists(At("missing")), $"{line}: a link was followed: {said}");
                Assert.All(Names, name => Assert.Equal(target, new FileInfo(At(name)).LinkTarget));
                Clean();
            }
        }
    }

    [Fact]
    public async Task Renew_ThroughALink_IsRefused()
    {
        Assert.Equal(0, (await CommandRunner.RunAsync("certs", "authority", At("ca"))).Code);
        Assert.Equal(0, (await CommandRunner.RunAsync("certs", "node", At("ca"), "a")).Code);
        File.Move(At("ca/a.pem"), At("elsewhere.pem"));
        File.CreateSymbolicLink(At("ca/a.pem"), At("elsewhere.pem"));
        string before = await File.ReadAllTextAsync(At("elsewhere.pem"));
        AssertSays("this is a link", await RefusedAsync("certs", "renew", At("ca"), "a"));
        Assert.Equal(before, await File.ReadAllTextAsync(At("elsewhere.pem")));
        Assert.NotNull(new FileInfo(At("ca/a.pem")).LinkTarget);
    }

    [Fact]
    public async Task Import_LogThatHasAChildsName_IsNotWrittenOver()
    {
        string log = Write("out.child.13.vmt", Log);
        AssertSays("the command reads this file", await RefusedAsync("import", "strace", log, "-o", At("out.vmt")));
        Assert.Equal(Log, await File.ReadAllTextAsync(log));
        Assert.Equal([log], Directory.GetFiles(Folder));
    }

    [Fact]
    public async Task Run_OverAFileThatItsScenarioIncludes_IsRefused()
    {
        Directory.CreateDirectory(At("run"));
        string part = Write("run/effective.conf", "seed = 5\n");
        string scenario = Write("whole.conf", $"include \"run/effective.conf\"\n{Tiny}");
        AssertSays("the command reads this file", await RefusedAsync("run", scenario, "--out", At("run")));
        Assert.Equal("seed = 5\n", await File.ReadAllTextAsync(part));
        Assert.Equal([part], Directory.GetFiles(At("run")));
    }

    [Fact]
    public async Task CaptureMaps_OverTheProgram_IsRefused()
    {
        string program = At("program");
        File.Copy("/bin/true", program);
        AssertSays("the command reads this file", await RefusedAsync("capture", "--maps", program, "--", program));
        Assert.Equal(new FileInfo("/bin/true").Length, new FileInfo(program).Length);
    }

    [Fact]
    public async Task CaptureMaps_ThatCannotRun_LeavesTheOldFile()
    {
        string old = Write("out.maps", "old");
        File.WriteAllText(At("program"), "no program");
        (int code, string output, string error) = await CommandRunner.RunAsync("capture", "--maps", old, "--", At("program"));

        // The tool says by its exit code that the program cannot be started; a machine without a compiler says so before.
        Assert.True(code is 0 or 64, $"{output}{error}");
        Assert.True(code == 0 || await File.ReadAllTextAsync(old) == "old");
        Assert.Equal(2, Directory.GetFiles(Folder).Length);
    }

    private void WriteInputs()
    {
        Write("tiny.conf", Tiny);
        Write("in.vmt", "# vmt 1 x pagesize 4096\nt 1\nR 5\n");
        Write("log", Log);
        Write("tlb.csv", "name,stream,pages\na,uniform,16\n");
    }

    private Task<(int Code, string Output, string Error)> GiveAsync(string[] command) => CommandRunner.RunAsync(
        [.. command.Select(word => word == "FOLDER" ? Folder : Names.Contains(word) || File.Exists(At(word)) ? At(word) : word)]);

    private static async Task<(int Code, string Said)> ShellAsync(string script)
    {
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"exec 2>&1; {script}"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        string said = await shell.StandardOutput.ReadToEndAsync().OrHangAsync();
        await shell.WaitForExitAsync().OrHangAsync();
        return (shell.ExitCode, said);
    }

    /// <summary>Removes what commands have written, and the links.</summary>
    private void Clean()
    {
        foreach (FileInfo file in new DirectoryInfo(Folder).GetFiles())
        {
            if (file.Name is not ("tiny.conf" or "in.vmt" or "log" or "tlb.csv" or "kept"))
            {
                file.Delete();
            }
        }
    }
}
