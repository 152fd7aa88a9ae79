using System.Text;
using VmSim.Core.Programs;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

/// <summary>Traces for tests: real ones that ship with the tests, and texts.</summary>
internal static class TestTraces
{
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "TestData", "traces");

    public static LoadedTrace LoadFile(string name)
    {
        using FileStream stream = File.OpenRead(Path.Combine(Folder, name));
        return VmtReader.Load(stream, name, new TraceLoadOptions { OpenFile = Open });
    }

    public static Stream? Open(string name) => File.Exists(Path.Combine(Folder, name)) ? File.OpenRead(Path.Combine(Folder, name)) : null;

    public static LoadedTrace LoadText(string text, TraceLoadOptions? options = null) =>
        VmtReader.Load(new MemoryStream(Encoding.UTF8.GetBytes(text)), "test.vmt", options);

    /// <summary>A thread's operations in a short notation.</summary>
    public static string[] Describe(ThreadProgram thread)
    {
        IOperationStream stream = thread.Open();
        List<string> words = new List<string>();
        ulong[] buffer = new ulong[3];
        for (int count = stream.Read(buffer); count > 0; count = stream.Read(buffer))
        {
            words.AddRange(buffer.Take(count).Select(word => Describe(thread, new Operation(word))));
        }

        return [.. words];
    }

    private static string Describe(ThreadProgram thread, Operation operation) => operation switch
    {
        { IsControl: false } => $"{operation.Kind} {operation.PageAddress >> 12:x}*{operation.Count}",
        { Control: ControlKind.SystemCall } =>
            $"{thread.SystemCalls[(int)operation.Argument].Kind} {thread.SystemCalls[(int)operation.Argument].Start.Value:x}",
        _ => $"{operation.Control} {operation.Argument:x}",
    };
}
