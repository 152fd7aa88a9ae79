using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <content>What the core does for its half of the shootdown protocol.</content>
public sealed partial class CoreModel
{
    /// <inheritdoc/>
    public bool CanUse(Asid tag) =>
        _loadedSpace >= 0 && !_lazy && State != CoreState.Loading && (tag == _tag ? !ReturnsFirst : tag == _kernelTag);

    /// <inheritdoc/>
    public bool CanWalk(SpaceId space) => _loadedSpace == space.Value && !_lazy && State != CoreState.Loading && !ReturnsFirst;

    /// <inheritdoc/>
    public SpaceId Loaded =>
        State == CoreState.Loading ? _thread!.Space : _loadedSpace >= 0 ? new SpaceId(_loadedSpace) : SpaceId.None;

    /// <summary>Whether the kernel runs on the core, and the protocol hears of it before user mode goes on.</summary>
    private bool ReturnsFirst => _tellsReturns && (State == CoreState.Trapped || _entersUser);

    /// <inheritdoc/>
    public void SendProtocol(SpaceId space, Cycles delay, in ProtocolPayload payload)
    {
        if ((uint)space.Value >= (uint)SpaceCount || _world.GroupOf(space).DomainIndex != Domain?.Index)
        {
            throw new InvalidOperationException(
                $"the shootdown protocol of core {Core} addresses space {space}, which is not of its domain");
        }

        Send(SimMessage.Of(payload), space, _clock + _delays.Checked(payload.Kind, MessageDirection.CoreToSpace, delay.Value));
    }

    /// <inheritdoc/>
    public void SendDirect(CoreId target, Cycles delay, in ProtocolPayload payload)
    {
        if (target == Core || Domain is null || !Domain.HasCore(target))
        {
            throw new InvalidOperationException(
                $"the shootdown protocol of core {Core} addresses core {target}, which is not another core of its domain");
        }

        SimMessage message = SimMessage.Of(payload);
        message.Due = _clock + _delays.Checked(payload.Kind, MessageDirection.CoreToCore, delay.Value);
        message.Target = target.Value;
        message.Space = SpaceId.None;
        Outbox.Add(message);
    }

    /// <inheritdoc/>
    public void BeginInvalidation(SpaceId space, long shootdown, DeadRange dead)
    {
        _losses.Begin(space, shootdown, TableOf(space.Value), TableTime, dead, _world.GuestOf(space.Value)?.Table);
        Pairs?.Begin(space, shootdown, dead);
        ForgetMapped(space, dead);
    }

    /// <inheritdoc/>
    public void AlsoDead(DeadRange dead)
    {
        _losses.AlsoDead(dead);
        Pairs?.AlsoDead(dead);
        if (_thread is { } thread)
        {
            ForgetMapped(thread.Space, dead);
        }
    }

    /// <inheritdoc/>
    public void EndInvalidation(in InvalidationResult result)
    {
        _losses.End();
        Pairs?.End();
        Counters[CoreCounters.EntriesInvalidated] += result.Dropped;
        Counters[CoreCounters.FullFlushes] += result.Full ? 1 : 0;
    }

    /// <inheritdoc/>
    public void CountSweep(int shootdowns) => Counters[CoreCounters.InvalidationsSwept] += shootdowns;

    /// <inheritdoc/>
    public void Acknowledge(in Invalidation invalidation, int dropped, Cycles cycles) => SendAck(invalidation, _clock, dropped, cycles);

    /// <inheritdoc/>
    public void UseTag(Asid tag)
    {
        if (_loadedSpace < 0 || State == CoreState.Loading)
        {
            throw new InvalidOperationException($"the shootdown protocol of core {Core} changes its tag while no space is loaded");
        }

        SetTags(tag);
        LoadTable();
        if (!ReturnsFirst)
        {
            TellTags();
        }
    }

    /// <summary>
    /// The kernel puts what a fault has made into the TLB, in place of the walk that the access would make. A thread that has left its core
    /// in the trap walks: another could have taken the page meanwhile.
    /// </summary>
    private void Prime(SimThread thread, PageSize size)
    {
        long time = TableTime;
        bool primed = Mmu.Prime(thread.FaultAccess, thread.FaultAddress.Value, size, time);
        if (primed)
        {
            _watch?.OnWalk(time, thread.Space.Value, thread.FaultAddress.Value);
        }

        _shootdown.OnPrimed(primed);
    }

    /// <summary>As of when a protocol's work on the core reads page tables, in cycles; see <see cref="_dueAt"/>.</summary>
    private long TableTime => Math.Min(_clock, _dueAt);

    /// <inheritdoc/>
    void IRefillCounter.CountRefills(SpaceId space, long shootdown, int count)
    {
        Counters[CoreCounters.RefillMisses] += count;
        _world.RefillMisses.Add(space.Value, shootdown, count);
    }

    private PageTable TableOf(int space) => _world.TableOf(space, _tables is { } tables ? tables[space] : 0);

    private void SendAck(in Invalidation invalidation, long leaves, int dropped, Cycles cycles)
    {
        InvalidationAck ack = new(invalidation.Shootdown, dropped, cycles, invalidation.Way, invalidation.IsReport);
        Send(SimMessage.Of(ack), invalidation.Space, leaves + _delays.Notice.Value);
    }
}
