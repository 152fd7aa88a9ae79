using System.Globalization;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping.Scripts;

/// <content>The text of the state and its fingerprint.</content>
public sealed partial class OperationScript
{
    // FNV-1a, 64 bits: offset basis and prime from the algorithm's reference (Fowler, Noll, Vo).
    private const ulong HashOffset = 0xcbf29ce484222325;
    private const ulong HashPrime = 0x100000001b3;

    private static string Describe(in ScriptSet.Area area) =>
        string.Create(CultureInfo.InvariantCulture, $"{area.Start} {area.Last + 1} 0x{area.Flags:x} {area.Backend}");

    private string Outcome(bool done, MappingError<VirtAddr> error) => done ? $"ok {Fingerprint()}" : $"err {error.Kind} {Fingerprint()}";

    /// <summary>Writes the state's text and says how many areas it has and its hash.</summary>
    private string Fingerprint()
    {
        WriteState();
        ulong hash = HashOffset;
        foreach (ReadOnlyMemory<char> chunk in _state.GetChunks())
        {
            foreach (char letter in chunk.Span)
            {
                hash = (hash ^ letter) * HashPrime;
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"len={_set.Count} h={hash:x16}");
    }

    private void WriteState()
    {
        _state.Clear();
        foreach (ScriptSet.Area area in _set)
        {
            _state.Append(CultureInfo.InvariantCulture, $"a 0x{area.Start.Value:x} 0x{area.Last.Value + 1:x} 0x{area.Flags:x} ");
            _state.Append(area.Backend.ToString()).Append('\n');
        }

        foreach (ScriptRun run in _table.Runs)
        {
            // Only a poked entry can end at the highest address.
            UInt128 end = (UInt128)run.Last + 1;
            _state.Append(CultureInfo.InvariantCulture, $"p 0x{run.First:x} 0x{end:x} 0x{run.Flags:x} {"MLZF"[(int)run.Kind]} ");
            if (run.HasPhysical)
            {
                _state.Append(CultureInfo.InvariantCulture, $"0x{run.Physical:x}\n");
            }
            else
            {
                _state.Append("-\n");
            }
        }
    }
}
