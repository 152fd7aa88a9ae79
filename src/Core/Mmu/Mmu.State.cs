using System.Text;
using VmSim.Core.State;

namespace VmSim.Core.Mmu;

/// <content>Export and import, for checkpoints.</content>
public sealed unsafe partial class Mmu
{
    private const uint StateMagic = 0x4D4D_4D56;
    private const int StateVersion = 2;

    /// <summary>The parts that lie in native memory, in one order.</summary>
    internal IEnumerable<INativeState> NativeStates => [.. Arrays().Append(_lines).Append(_nested).OfType<INativeState>(), .. Structures().OfType<INativeState>()];

    /// <summary>Writes everything cached and the state of replacement; not which tables are loaded.</summary>
    /// <param name="stream">Where to; it stays open.</param>
    public void Export(Stream stream)
    {
        using BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(StateMagic);
        writer.Write(StateVersion);
        writer.Write(_sizesSeen);
        writer.Write(_globals);
        foreach (Tlb? tlb in (Tlb?[])[.. Arrays(), _lines, _nested])
        {
            writer.Write(tlb?.NativeBytes ?? 0);
            tlb?.Save(writer);
        }

        foreach (StructureCache? cache in Structures())
        {
            writer.Write(cache?.NativeBytes ?? 0);
            cache?.Save(writer);
        }
    }

    /// <summary>Reads what <see cref="Export"/> wrote on an MMU of the same specification. The caller loads the tables again.</summary>
    /// <param name="stream">Where from; it stays open, behind the state.</param>
    /// <exception cref="InvalidDataException">The data are not an MMU's state, of another version, or of another specification.</exception>
    /// <exception cref="EndOfStreamException">The data end too early.</exception>
    public void Import(Stream stream)
    {
        using BinaryReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        Require(reader.ReadUInt32() == StateMagic, "the data are not an MMU's state");
        int version = reader.ReadInt32();
        Require(version == StateVersion, $"version {version} is unknown; this program reads version {StateVersion}");
        ForgetRecent();
        _sizesSeen = reader.ReadInt32();
        _globals = reader.ReadBoolean();
        foreach (Tlb? tlb in (Tlb?[])[.. Arrays(), _lines, _nested])
        {
            Require(reader.ReadInt64() == (tlb?.NativeBytes ?? 0), "the sizes are those of another specification");
            tlb?.Restore(reader);
        }

        foreach (StructureCache? cache in Structures())
        {
            Require(reader.ReadInt64() == (cache?.NativeBytes ?? 0), "the sizes are those of another specification");
            cache?.Restore(reader);
        }
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidDataException($"MMU state: {what}.");
        }
    }
}
