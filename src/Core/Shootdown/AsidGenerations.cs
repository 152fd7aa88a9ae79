using VmSim.Core.Addresses;

namespace VmSim.Core.Shootdown;

/// <summary>
/// ASIDs of the machine that spaces are given when they are loaded, in generations: when all have been given, a new generation begins, in
/// which every space gets one anew, and each core drops everything at its next switch. Cores go on with what they run
/// (arch/arm64/mm/context.c and arch/riscv/mm/context.c). What a space has is its ASID together with the generation in which it got it.
/// </summary>
public sealed class AsidGenerations
{
    private const int GenerationShift = 16;

    /// <summary>ASIDs given in this generation, by number; no space has 0.</summary>
    private readonly bool[] _used;

    /// <summary>What each core has loaded since the generation began; 0 for nothing (active_asids).</summary>
    private readonly long[] _active;

    /// <summary>What each core had loaded when the generation began, and goes on with (reserved_asids).</summary>
    private readonly long[] _reserved;

    private int _next = 1;

    /// <summary>Makes the ASIDs of a machine.</summary>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="asids">How many ASIDs spaces can be given, more than cores; numbered from 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no more ASIDs than cores, or more than 65,535.</exception>
    public AsidGenerations(int cores, int asids)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(asids, cores);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(asids, ushort.MaxValue);
        _used = new bool[asids + 1];
        _active = new long[cores];
        _reserved = new long[cores];
    }

    /// <summary>The generation, from 1.</summary>
    public long Generation { get; private set; } = 1;

    /// <summary>The ASID of what a space has.</summary>
    public static Asid AsidOf(long context) => new((ushort)(context & ((1 << GenerationShift) - 1)));

    /// <summary>A core loads a space (check_and_switch_context).</summary>
    /// <param name="core">The core.</param>
    /// <param name="context">What the space has; 0 before it has anything.</param>
    /// <returns>What it has from now on.</returns>
    public long Load(CoreId core, long context)
    {
        long now = context >> GenerationShift == Generation ? context : Renew(context);
        _active[core.Value] = now;
        return now;
    }

    /// <summary>A space whose generation is over gets its ASID again if nobody has it, else another one (new_context).</summary>
    private long Renew(long context)
    {
        int old = AsidOf(context).Value;
        if (old != 0)
        {
            long renewed = InGeneration(old);
            if (IsReserved(context, renewed))
            {
                return renewed;
            }

            if (!_used[old])
            {
                _used[old] = true;
                return renewed;
            }
        }

        int asid = Array.IndexOf(_used, false, _next);
        if (asid < 0)
        {
            BeginGeneration();
            asid = Array.IndexOf(_used, false, 1);
        }

        _used[asid] = true;
        _next = asid;
        return InGeneration(asid);
    }

    private long InGeneration(int asid) => (Generation << GenerationShift) | (uint)asid;

    /// <summary>Whether cores went on with what the space had when the generation began (check_update_reserved_asid).</summary>
    private bool IsReserved(long context, long renewed)
    {
        bool found = false;
        for (int core = 0; core < _reserved.Length; core++)
        {
            if (_reserved[core] == context)
            {
                _reserved[core] = renewed;
                found = true;
            }
        }

        return found;
    }

    /// <summary>Every core keeps what it runs, and all other ASIDs are free again (flush_context).</summary>
    private void BeginGeneration()
    {
        Generation++;
        Array.Clear(_used);
        for (int core = 0; core < _active.Length; core++)
        {
            long kept = _active[core] == 0 ? _reserved[core] : _active[core];
            _active[core] = 0;
            _reserved[core] = kept;
            _used[AsidOf(kept).Value] = true;
        }
    }
}
