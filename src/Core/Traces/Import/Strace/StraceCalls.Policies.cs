namespace VmSim.Core.Traces.Import.Strace;

/// <content>Calls that say on which nodes memory is to be. A replay keeps them and simulates nothing of them.</content>
internal sealed partial class StraceCalls
{
    /// <summary>mbind(start, len, mode, nodemask, maxnode, flags) and set_mempolicy(mode, nodemask, maxnode).</summary>
    private bool Policy(StraceTask space, StraceName name, in StraceArguments a)
    {
        bool binds = name.Name == "mbind";
        int mode = binds ? 2 : 0;
        ulong start = 0;
        ulong bytes = 0;
        if (a.Count < mode + 3 || (binds && (a.Count < 6 || !Range(a, 0, 1, out start, out bytes, mayBeEmpty: true))))
        {
            return false;
        }

        if (!TryNodes(a[mode + 1], out ulong nodes))
        {
            ImportSummary.Add(space.Process.Summary.NotSimulated, $"{name.Name} of nodes that the log does not name");
            return true;
        }

        VmtRecord record = VmtRecord.OfPolicy(
            binds ? VmtCall.BindMemory : VmtCall.SetMemoryPolicy,
            (uint)Flags(space, name, a[mode]),
            nodes,
            start,
            bytes,
            binds ? (uint)Flags(space, name, a[5]) : 0);
        _steps.Add(new StraceStep(space.Thread, record, name.Name));
        return true;
    }

    /// <summary>
    /// Nodes 0 to 63: [0x3] or [0x0000000000000003, 000000000000000000], in braces in older versions, and none of NULL. An address says
    /// nothing of them, and neither does a mask with other nodes.
    /// </summary>
    private static bool TryNodes(ReadOnlySpan<byte> text, out ulong nodes)
    {
        nodes = 0;
        if (text.SequenceEqual("NULL"u8) || text.SequenceEqual("0"u8) || text.SequenceEqual("0x0"u8))
        {
            return true;
        }

        if (text.Length < 3 || text[0] is not ((byte)'[' or (byte)'{') || text[^1] is not ((byte)']' or (byte)'}'))
        {
            return false;
        }

        text = text[1..^1];
        int comma = text.IndexOf((byte)',');
        ReadOnlySpan<byte> others = comma < 0 ? default : text[comma..];
        return StraceValues.TryNumber((comma < 0 ? text : text[..comma]).Trim((byte)' '), out nodes)
            && others.IndexOfAnyExcept(", 0x"u8) < 0;
    }
}
