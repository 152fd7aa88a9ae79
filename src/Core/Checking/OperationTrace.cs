using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Checking;

/// <summary>
/// What happened to one operation that removed translations, tightened their rights or gave memory back: the material of a violation's
/// trace.
/// </summary>
/// <param name="what">The call, or the fault.</param>
/// <param name="thread">Name of the thread that asked.</param>
/// <param name="core">The core that asked.</param>
/// <param name="start">When it started, in cycles.</param>
/// <param name="visibleAt">When its page-table stores are visible to every walk, in cycles.</param>
internal sealed class OperationTrace(OperationText what, string thread, CoreId core, long start, long visibleAt)
{
    /// <summary>The operation in words.</summary>
    public OperationText What => what;

    /// <summary>Name of the thread that asked.</summary>
    public string Thread => thread;

    /// <summary>The core that asked.</summary>
    public CoreId Core => core;

    /// <summary>When it started, in cycles.</summary>
    public long Start => start;

    /// <summary>When its page-table stores are visible to every walk, in cycles.</summary>
    public long VisibleAt => visibleAt;

    /// <summary>When it returned to its thread, in cycles; <see cref="long.MaxValue"/> while it has not.</summary>
    public long ReturnedAt { get; private set; } = long.MaxValue;

    /// <summary>Until when its dead translations may be used, in cycles; <see cref="long.MaxValue"/> while it has not returned.</summary>
    public long AllowedUntil { get; private set; } = long.MaxValue;

    /// <summary>Translations that died, by page.</summary>
    public List<DeadPage> Dead { get; } = [];

    /// <summary>
    /// Translations that others have killed and whose time ends when this operation returns: it gave their pages back once more, or has
    /// mapped their pages anew. Empty for almost all operations.
    /// </summary>
    public List<(DeadPage Dead, PromiseKind Kind)> Promised { get; } = [];

    /// <summary>Invalidations that were sent, in order.</summary>
    public List<SentInvalidation> Invalidations { get; } = [];

    /// <summary>
    /// Notes that the operation has answered its thread: from now on its dead translations may not be used, or only so much longer.
    /// </summary>
    /// <param name="time">When, in cycles.</param>
    /// <param name="allowedStaleness">For how long its dead translations may still be used, in cycles.</param>
    public void Returned(long time, long allowedStaleness)
    {
        ReturnedAt = time;
        AllowedUntil = time + allowedStaleness;
    }
}

/// <summary>What the return of an operation says of translations that another operation has killed.</summary>
internal enum PromiseKind
{
    /// <summary>What the operation was asked to take away is gone, whoever took it: nobody uses it.</summary>
    Gone,

    /// <summary>The place is mapped anew: who touches it gets the new memory, however late the protocol may otherwise be.</summary>
    MappedAnew,

    /// <summary>
    /// A fault has given the place new contents: who touches it from now on finds them. Promised where values are compared.
    /// </summary>
    TouchedAnew,
}

/// <summary>An invalidation that one core was sent.</summary>
/// <param name="core">The core.</param>
/// <param name="sent">When it left, in cycles.</param>
/// <param name="due">When it arrives, in cycles.</param>
/// <param name="way">How.</param>
internal sealed class SentInvalidation(CoreId core, long sent, long due, InvalidationWay way)
{
    public CoreId Core => core;

    public long Sent => sent;

    public long Due => due;

    public InvalidationWay Way => way;

    /// <summary>When its acknowledgement arrived, in cycles; -1 while none has.</summary>
    public long AcknowledgedAt { get; set; } = -1;
}

/// <summary>A translation that died or lost rights.</summary>
/// <param name="page">The page.</param>
/// <param name="was">Frame and rights that it gave.</param>
/// <param name="remaining">Rights that the page has to the same frame from now on.</param>
/// <param name="operation">The operation that killed it.</param>
/// <param name="made">
/// When the operations started that had given its rights; 0 if no translation of the page to the frame had died before.
/// </param>
internal sealed class DeadPage(ulong page, PageCopy was, PageFlags remaining, OperationTrace operation, RightTimes made)
{
    public ulong Page => page;

    public ulong Frame => was.Frame;

    public PageFlags Rights => was.Rights;

    /// <summary>Rights that the page has to the same frame from now on.</summary>
    public PageFlags Remaining => remaining;

    public OperationTrace Operation => operation;

    /// <summary>
    /// The operation whose return ended its time, if that was not the one that killed it; null while none has, or if that one came first.
    /// </summary>
    public OperationTrace? PromisedBy { get; private set; }

    /// <summary>Until when it may be used, in cycles; <see cref="long.MaxValue"/> while nobody has promised anything.</summary>
    public long AllowedUntil =>
        PromisedBy is { } promise ? Math.Min(operation.AllowedUntil, promise.ReturnedAt) : operation.AllowedUntil;

    /// <summary>Whether a fault ended its time that gave the page other contents.</summary>
    public bool IsTouchedAnew { get; private set; }

    /// <summary>An operation has returned that promised that nobody uses it any more.</summary>
    public void EndBy(OperationTrace promise, PromiseKind kind)
    {
        if (promise.ReturnedAt < AllowedUntil)
        {
            PromisedBy = promise;
            IsTouchedAnew = kind == PromiseKind.TouchedAnew;
        }
    }

    /// <summary>When the operations started that had given its rights.</summary>
    public RightTimes Made => made;

    /// <summary>
    /// Since when the page has had each right to the same frame again. For rights that remained that is before this death; it is
    /// <see cref="long.MaxValue"/> where the page has not had the right again.
    /// </summary>
    public RightTimes MadeAgain { get; private set; } = RightTimes.Never.With(remaining & was.Rights, made);

    /// <summary>Whether it took a right away that had been given by a time.</summary>
    /// <param name="right">The right.</param>
    /// <param name="time">The time, in cycles.</param>
    public bool Took(PageFlags right, long time) => (was.Rights & ~remaining & right) != 0 && made.Of(right) <= time;

    /// <summary>An operation has mapped the page to the frame again, or given it rights back.</summary>
    /// <param name="rights">The rights that the page has.</param>
    /// <param name="time">When the operation started, in cycles.</param>
    public void MakeAgain(PageFlags rights, long time) => MadeAgain = MadeAgain.With(rights, MadeAgain.EarlierOf(time));

    /// <summary>An earlier death of a translation of the same page to the same frame.</summary>
    public DeadPage? Earlier { get; set; }
}

/// <summary>A time for each right, in cycles.</summary>
internal readonly record struct RightTimes(long Read, long Write, long Execute)
{
    /// <summary>Not given at all.</summary>
    public static RightTimes Never { get; } = new(long.MaxValue, long.MaxValue, long.MaxValue);

    /// <summary>The time of one right.</summary>
    public long Of(PageFlags right) => right switch
    {
        PageFlags.Read => Read,
        PageFlags.Write => Write,
        _ => Execute,
    };

    /// <summary>These, with the times of some rights from others.</summary>
    public RightTimes With(PageFlags rights, RightTimes others) => new(
        (rights & PageFlags.Read) != 0 ? others.Read : Read,
        (rights & PageFlags.Write) != 0 ? others.Write : Write,
        (rights & PageFlags.Execute) != 0 ? others.Execute : Execute);

    /// <summary>These, but none later than a time.</summary>
    public RightTimes EarlierOf(long time) => new(Math.Min(Read, time), Math.Min(Write, time), Math.Min(Execute, time));

    /// <summary>Whether all of some rights had been given by a time.</summary>
    public bool By(PageFlags rights, long time) =>
        ((rights & PageFlags.Read) == 0 || Read <= time) && ((rights & PageFlags.Write) == 0 || Write <= time)
            && ((rights & PageFlags.Execute) == 0 || Execute <= time);
}
