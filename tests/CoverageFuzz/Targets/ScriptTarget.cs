using VmSim.Core.Mapping.Scripts;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>A script of operations on a memory set.</summary>
internal sealed class ScriptTarget() : FuzzTarget("script", typeof(ScriptException))
{
    public override IEnumerable<string> Words =>
        ["map ", "unmap ", "protect ", "query ", "find_free ", "clear", "ffffffffffffffff", "7ffffffff000", "1000000000000"];

    protected override void Read(byte[] input)
    {
        using StreamReader reader = new(new MemoryStream(input, writable: false));
        OperationScript.Run(reader, TextWriter.Null, "fuzz.ops");
    }
}
