using Microsoft.CodeAnalysis;
using VmSim.Actors.Configuration;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Settings;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.PlugIns;

/// <summary>
/// An assembly that is wrong gets one line that says where it is named, what was found and what to do; never a stack trace.
/// </summary>
public sealed class WrongPlugInTests : IDisposable
{
    private const StringComparison Exact = StringComparison.Ordinal;
    private const string Backend = "Guest.Backend";
    private const string UsesHelp = "public Backend() { if (Help.Numbers.One != 1) { throw new Exception(); } }";

    private readonly GuestCompiler _compiler = new();

    public void Dispose() => _compiler.Dispose();

    [Theory]
    [InlineData("nowhere.dll", null, "there is no such file; build the plug-in, or name its .dll relative to the scenario")]
    [InlineData("text.dll", "no assembly", "this is no .NET assembly; name the .dll that `dotnet build` makes")]
    [InlineData("native.dll", "\u007fELF\u0002\u0001\u0001", "this is no .NET assembly")]
    [InlineData("empty.dll", "", "this is no .NET assembly")]
    public async Task Run_FileThatIsNoAssembly_IsRefused(string name, string? content, string expected)
    {
        if (content is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(_compiler.Folder, name), content);
        }

        string error = await RefusalAsync(name, "lazy");
        Assert.Contains("scenario.conf, line ", error, Exact);
        Assert.Contains($": plug-ins[0]: {Path.Combine(_compiler.Folder, name)}: {expected}", error, Exact);
    }

    [Fact]
    public async Task Run_PartOfAnAssembly_IsRefused()
    {
        string file = _compiler.CompileBackend("Whole", "");
        byte[] bytes = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, bytes[..(bytes.Length / 2)]);
        Assert.Contains("assembly", await RefusalAsync(file, "lazy"), Exact);
    }

    [Fact]
    public async Task Run_Folder_IsRefused() =>
        Assert.Contains("this is a folder; name the plug-in's .dll in it", await RefusalAsync(".", "lazy"), Exact);

    [Theory]
    [InlineData("plug-ins = \"x.dll\"", "a list of files is needed, such as [ \"bin/MyPlugIns.dll\" ]; \"x.dll\" found")]
    [InlineData("memory.plug-ins = \"x.dll\"", "plug-ins are listed at the top of a scenario now: plug-ins = [ \"x.dll\" ]")]
    public async Task Run_ListThatIsNone_IsRefused(string list, string expected) =>
        Assert.Contains(expected, await RefusalOfAsync(list, "lazy"), Exact);

    [Fact]
    public async Task Run_AssemblyForAnotherMachine_IsRefused()
    {
        bool isX64 = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture
            == System.Runtime.InteropServices.Architecture.X64;
        string file = _compiler.Compile("Elsewhere", "public class Any;", isX64 ? Platform.Arm64 : Platform.X64);
        string error = await RefusalAsync(file, "lazy");
        Assert.Contains($"this assembly is for {(isX64 ? "Arm64" : "Amd64")}, and this process is", error, Exact);
        Assert.Contains("build it for AnyCPU", error, Exact);
    }

    [Fact]
    public async Task Run_AssemblyForAnotherVersion_IsRefused()
    {
        string core = _compiler.Compile(
            "VmSim.Core", "[assembly: System.Reflection.AssemblyVersion(\"0.7.0.0\")] namespace Later; public class Thing;");
        string file = _compiler.Compile("OfLater", "public class Mine : Later.Thing;", default, core);
        string error = await RefusalAsync(file, "lazy");
        Assert.Contains("built against VmSim.Core 0.7.0, and this is vmsim 0.1.0; build it again", error, Exact);
    }

    [Fact]
    public async Task Run_ConstructorThatNeedsWhatIsMissing_IsRefusedUntilItIsBeside()
    {
        string helper = _compiler.Compile("Helper", "namespace Help; public static class Numbers { public static int One => 1; }");
        string file = _compiler.CompileBackend("Needy", UsesHelp, helper);
        string error = await RefusalAsync(file, $"{Backend}, Needy");
        Assert.Contains("memory.anonymous: the backend Guest.Backend of ", error, Exact);
        Assert.Contains("cannot be made: FileNotFoundException: Could not load file or assembly 'Helper", error, Exact);
        Assert.Contains("put the assemblies that it needs beside it, or list them before it", error, Exact);
        Assert.Equal(ExitCodes.Ok, (await RunAsync($"plug-ins = [ \"{helper}\", \"{file}\" ]", $"{Backend}, Needy")).Code);
    }

    [Fact]
    public async Task Run_AssemblyThatLiesBeside_IsFound()
    {
        string helper = _compiler.Compile("Beside", "namespace Help; public static class Numbers { public static int One => 1; }");
        string file = _compiler.CompileBackend("Lucky", UsesHelp, helper);
        File.Copy(helper, Path.Combine(Path.GetDirectoryName(file)!, "Beside.dll"));
        Assert.Equal(ExitCodes.Ok, (await RunAsync($"plug-ins = [ \"{file}\" ]", $"{Backend}, Lucky")).Code);
    }

    /// <summary>On a node only what the run names is loaded, by its digest.</summary>
    [Fact]
    public void LoadByDigest_AssemblyThatLiesBeside_IsNotLoaded()
    {
        string helper = _compiler.Compile("Near", "namespace Help; public static class Numbers { public static int One => 1; }");
        string file = _compiler.CompileBackend("Strict", UsesHelp, helper);
        File.Copy(helper, Path.Combine(Path.GetDirectoryName(file)!, "Near.dll"));
        PlugIn near = PlugInFile.Load(helper, "here", []);
        string digest = PlugInFile.Load(file, "here", []).Digest;
        PlugIn alone = PlugInFile.LoadByDigest(file, "here", [], digest);
        ScenarioException error = Assert.Throws<ScenarioException>(() => Require(alone));
        Assert.Contains("or list them before it", error.Message, Exact);
        Assert.Equal("Backend", Require(PlugInFile.LoadByDigest(file, "here", [near], digest)).Summary);
        error = Assert.Throws<ScenarioException>(() => PlugInFile.LoadByDigest(file, "here", [], new string('0', digest.Length)));
        Assert.Contains($"another file than is meant (SHA-256 {digest}, meant is 000", error.Message, Exact);

        BackendKind Require(PlugIn plugIn) => MemoryBackends.All.Require($"{Backend}, Strict", "here", new PlugInSet([plugIn]));
    }

    [Fact]
    public async Task Run_BaseClassThatIsMissing_IsRefused()
    {
        string helper = _compiler.Compile("Bases", "namespace Help; public class Base;");
        string file = _compiler.Compile("Derived", "namespace Guest; public class Backend : Help.Base;", default, helper);
        string error = await RefusalAsync(file, $"{Backend}, Derived");
        Assert.Contains($"memory.anonymous: Guest.Backend of {file} cannot be loaded: Could not load file", error, Exact);
        Assert.Contains("put the assemblies that it needs beside it, or list them before it", error, Exact);
    }

    /// <summary>A class that lacks a method which its base class has here was compiled against another one.</summary>
    [Fact]
    public async Task Run_ClassOfAnotherBuild_IsRefused()
    {
        string before = _compiler.Compile("Shape", "namespace Help; public abstract class Shape { }");
        string file = _compiler.Compile("Old", "namespace Guest; public class Backend : Help.Shape;", default, before);
        string after = _compiler.Compile("Shape", "namespace Help; public abstract class Shape { public abstract void Turn(); }");
        string error = await RefusalOfAsync($"plug-ins = [ \"{after}\", \"{file}\" ]", $"{Backend}, Old");
        Assert.Contains("Method 'Turn' in type 'Guest.Backend'", error, Exact);
        Assert.Contains("it was built against another build of vmsim: build it again", error, Exact);
    }

    [Theory]
    [InlineData("Guest.Backed",
        "class Guest.Backed; of this kind it has Guest.Backend, Guest.Private, Guest.Throws, Guest.ThrowsOnce; did")]
    [InlineData("Guest.Hidden", "Guest.Hidden of FILE is no backend: it is not public")]
    [InlineData("Guest.Begun", "Guest.Begun of FILE is no backend: it is abstract")]
    [InlineData("Guest.Other", "Guest.Other of FILE is no backend: it does not derive from VmSim.Core.Memory.Backends.MemoryBackend")]
    [InlineData("Guest.Private", "Guest.Private of FILE has no public constructor without parameters; give it one")]
    [InlineData("Guest.Throws", "the backend Guest.Throws of FILE cannot be made: InvalidOperationException: not today")]
    [InlineData("Guest.ThrowsOnce", "the backend Guest.ThrowsOnce of FILE cannot be made: InvalidOperationException: never")]
    public async Task Run_ClassThatDoesNotFit_IsRefused(string name, string expected)
    {
        const string Usings = "using System; using VmSim.Core.Memory; using VmSim.Core.Memory.Backends;\n";
        string file = _compiler.Compile(
            "Classes",
            Usings
                + GuestCompiler.Backend("Backend", "")
                + InNamespace(GuestCompiler.Backend("Hidden", "").Replace("public sealed", "internal sealed", Exact))
                + "public abstract class Begun : MemoryBackend; public class Other;"
                + InNamespace(GuestCompiler.Backend("Private", "private Private() { }"))
                + InNamespace(GuestCompiler.Backend("Throws", "public Throws() => throw new InvalidOperationException(\"not today\");"))
                + InNamespace(GuestCompiler.Backend(
                    "ThrowsOnce", "static ThrowsOnce() => throw new InvalidOperationException(\"never\"); public ThrowsOnce() { }")));
        string error = await RefusalAsync(file, $"{name}, Classes");
        Assert.Contains(expected.Replace("FILE", file, Exact), error, Exact);
        Assert.Contains("memory.anonymous: ", error, Exact);
    }

    [Fact]
    public async Task Run_ClassOfAnAssemblyThatIsNotListed_IsRefused()
    {
        string file = _compiler.CompileBackend("Listed", "");
        string error = await RefusalAsync(file, $"{Backend}, Lister");
        Assert.Contains("there is no plug-in \"Lister\", listed are Listed", error, Exact);
        Assert.Contains("list its file, plug-ins = [ \"Lister.dll\" ]", error, Exact);
    }

    [Fact]
    public async Task Run_BackendThatThrows_IsNamed()
    {
        string file = _compiler.Compile(
            "Failing",
            "using System; using VmSim.Core.Memory; using VmSim.Core.Memory.Backends;\n"
                + "namespace Guest; public class Failing : MemoryBackend { public override string Name => \"f\"; "
                + "public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) "
                + "=> throw new NotSupportedException(\"no faults please\"); }");
        (int code, string error) = await RunAsync($"plug-ins = [ \"{file}\" ]", "Guest.Failing, Failing");
        Assert.Equal(ExitCodes.Internal, code);
        Assert.Contains(
            $"the plug-in {file} failed in Guest.Failing.HandleFault: NotSupportedException: no faults please", error, Exact);
    }

    private static string InNamespace(string source) => source.Replace("namespace Guest; ", "", Exact);

    private Task<string> RefusalAsync(string file, string backend) => RefusalOfAsync($"plug-ins = [ \"{file}\" ]", backend);

    private async Task<string> RefusalOfAsync(string list, string backend)
    {
        (int code, string error) = await RunAsync(list, backend);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.DoesNotContain("   at ", error, Exact);
        Assert.DoesNotContain('\n', error.Trim());
        return error;
    }

    private async Task<(int Code, string Error)> RunAsync(string list, string backend)
    {
        string scenario = Path.Combine(_compiler.Folder, "scenario.conf");
        await File.WriteAllTextAsync(
            scenario, $"{list}\nmemory.anonymous = \"{backend}\"\nuntil = 10us\nprocesses = [\n {{\n program = map-touch-unmap\n }}\n]");
        (int code, _, string error) = await CommandRunner.RunAsync("run", scenario, "--threads", "1");
        return (code, error);
    }
}
