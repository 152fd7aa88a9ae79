using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>
/// Hears what the operations of one address space do to its page table and whom they tell of it. All times are in cycles.
/// </summary>
/// <remarks>
/// An operation changes the table at its start: <see cref="Begin"/>, <see cref="Compare"/> for each range, and <see cref="EndOperation"/>
/// come without anything in between.
/// </remarks>
internal interface IOperationWatch
{
    /// <summary>An operation has changed the table at its start.</summary>
    void Begin(KernelOperation operation, long now);

    /// <summary>
    /// The operation that has begun may have changed the pages from <paramref name="first"/> up to but not including
    /// <paramref name="end"/>.
    /// </summary>
    void Compare(ulong first, ulong end);

    /// <summary>All that the operation may have changed has been compared.</summary>
    /// <param name="releases">Whether it will give memory back later.</param>
    void EndOperation(bool releases);

    /// <summary>The space has a table and memory of its own from now on, as a fork has made them.</summary>
    /// <param name="parent">The space that forked.</param>
    void Adopt(SpaceId parent);

    /// <summary>The process's last thread has ended. The operation that takes its memory apart has changed nothing yet.</summary>
    /// <param name="now">When.</param>
    void Ends(long now);

    /// <summary>An invalidation is on its way.</summary>
    /// <param name="operation">The operation's number.</param>
    /// <param name="shootdown">The shootdown's number.</param>
    /// <param name="core">Who is told.</param>
    /// <param name="leaves">When it leaves.</param>
    /// <param name="due">When it arrives.</param>
    /// <param name="way">How.</param>
    void Sent(long operation, long shootdown, CoreId core, long leaves, long due, InvalidationWay way);

    /// <summary>An acknowledgement has come.</summary>
    /// <returns>False if none was due: a violation.</returns>
    bool Acknowledged(long shootdown, CoreId from, long now);

    /// <summary>The operation's answer reaches its thread.</summary>
    /// <param name="operation">The operation's number.</param>
    /// <param name="due">When.</param>
    /// <param name="releases">Whether it will give memory back later.</param>
    /// <param name="deferred">Whether it returns before every core has invalidated, as its protocol may.</param>
    void Returned(long operation, long due, bool releases, bool deferred);

    /// <summary>What the operation gave up has been given back.</summary>
    void Released(long operation, ReleaseBatch batch, long now);
}
