using VmSim.Core.Addresses;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.Core.Experiments;

/// <summary>One access of a TLB experiment.</summary>
/// <param name="Address">Virtual address.</param>
/// <param name="Core">Core that makes it, from 0.</param>
/// <param name="Kind">What it does.</param>
public readonly record struct SourceAccess(ulong Address, int Core, AccessKind Kind);

/// <summary>Where the accesses of a TLB experiment come from.</summary>
public abstract class AccessSource
{
    /// <summary>Writes the next accesses to the front of <paramref name="block"/>.</summary>
    /// <returns>How many; 0 at the end.</returns>
    public abstract int Read(Span<SourceAccess> block);
}

/// <summary>Loads from the addresses of a stream, on one core after another.</summary>
public sealed class StreamSource : AccessSource
{
    private readonly AddressStream _stream;
    private readonly int _cores;
    private readonly ulong[] _addresses = new ulong[1024];
    private int _core;

    /// <summary>Starts at the front of a stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="cores">Cores, at least 1; access i runs on core i modulo cores.</param>
    public StreamSource(AddressStream stream, int cores)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfLessThan(cores, 1);
        _stream = stream;
        _cores = cores;
    }

    /// <inheritdoc/>
    public override int Read(Span<SourceAccess> block)
    {
        Span<ulong> addresses = _addresses.AsSpan(0, Math.Min(_addresses.Length, block.Length));
        _stream.Fill(addresses);
        int core = _core;
        for (int i = 0; i < addresses.Length; i++)
        {
            block[i] = new SourceAccess(addresses[i], core, AccessKind.Load);
            core = core + 1 == _cores ? 0 : core + 1;
        }

        _core = core;
        return addresses.Length;
    }
}
