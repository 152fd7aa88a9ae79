using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>Single cases of the rules of kernel/locking/rwsem.c.</summary>
public sealed class RwsemTests : IRwsemSignals
{
    private const long Microsecond = 2_000;

    private readonly List<string> _told = [];
    private readonly Rwsem _lock;

    public RwsemTests() => _lock = Make(readersSpin: false);

    [Fact]
    public void Writer_BehindAWriter_SpinsAndTakesItWhenItIsFree()
    {
        KernelOperation first = Writer(0);
        Assert.True(_lock.TryEnter(first, 0));
        Assert.False(_lock.TryEnter(Writer(1), 10));
        Assert.False(_lock.TryEnter(Writer(2), 20));
        _lock.Leave(first, 1_000_000 * Microsecond);
        Assert.Equal(["1 takes"], _told);
    }

    [Theory]
    [InlineData(1, 10_500)]
    [InlineData(4, 12_000)]
    [InlineData(40, 25_000)]
    public void Writer_BehindReaders_SpinsForTenMicrosecondsAndHalfOfOneForEachUpToThirty(int readers, long nanoseconds)
    {
        for (int i = 0; i < readers; i++)
        {
            Assert.True(_lock.TryEnter(Reader(i), 0));
        }

        KernelOperation writer = Writer(50);
        Assert.False(_lock.TryEnter(writer, 100));
        long until = 100 + (((nanoseconds * Microsecond / 1_000 / RwsemRules.LookCycles) + 1) * RwsemRules.LookCycles);
        Assert.Equal([$"50 to {until}"], _told);
        _lock.EndSpin(writer, until);
        Assert.Equal("50 sleeps", _told[^1]);
    }

    [Fact]
    public void Writer_ThatWasInterrupted_LooksAtTheClockLater()
    {
        KernelOperation reader = Reader(0);
        KernelOperation writer = Writer(1);
        _lock.TryEnter(reader, 0);
        _lock.TryEnter(writer, 0);
        long until = writer.SpinLimit;
        _lock.SpinOn(writer, until + 700);
        _lock.EndSpin(writer, until);
        Assert.Equal(RwsemState.Spins, writer.Rwsem);
        _lock.EndSpin(writer, until + 700);
        Assert.Equal(RwsemState.Sleeps, writer.Rwsem);
        _lock.SpinOn(Writer(2), until + 800);
        Assert.Equal([$"1 to {until}", $"1 to {until + 700}", "1 sleeps"], _told);
    }

    [Fact]
    public void Writers_BehindReadersThatOneHasGivenUpOn_SleepAtOnce()
    {
        KernelOperation reader = Reader(0);
        KernelOperation spinner = Writer(1);
        _lock.TryEnter(reader, 0);
        _lock.TryEnter(spinner, 0);
        _lock.TryEnter(Writer(2), 0);
        _lock.EndSpin(spinner, spinner.SpinLimit);
        _lock.TryEnter(Writer(3), spinner.QueuedAt + 1);
        Assert.Equal(["1 sleeps", "2 sleeps", "3 sleeps"], _told[1..]);
        _lock.Leave(reader, spinner.QueuedAt + 2);
        Assert.Equal("1 wakes by 0", _told[^1]);
        Assert.True(_lock.Resume(spinner, spinner.QueuedAt + 3));
        _lock.TryEnter(Writer(4), spinner.QueuedAt + 4);
        Assert.Equal("1 wakes by 0", _told[^1]);
    }

    [Fact]
    public void Readers_BehindAWriter_SleepAndAreWokenAllAtOnce()
    {
        KernelOperation writer = Writer(0);
        _lock.TryEnter(writer, 0);
        KernelOperation[] readers = [Reader(1), Reader(2), Reader(3)];
        KernelOperation other = Sleeping(writer: 4);
        _lock.TryEnter(readers[0], 10);
        _lock.TryEnter(readers[1], 20);
        _lock.TryEnter(readers[2], 30);
        _told.Clear();
        _lock.Leave(writer, 40);
        Assert.Equal(["4 takes", "1 wakes by 4", "2 wakes by 4", "3 wakes by 4"], Then(() => _lock.Leave(other, 50)));
        Assert.All(readers, reader => Assert.True(_lock.Resume(reader, 60)));
        Assert.Equal(3, _lock.Readers.Count);
    }

    [Fact]
    public void Readers_BehindAWriterInTheQueue_AreWokenWithTheFirst()
    {
        KernelOperation first = Reader(0);
        KernelOperation writer = Writer(1);
        _lock.TryEnter(first, 0);
        _lock.TryEnter(writer, 0);
        _lock.EndSpin(writer, writer.SpinLimit);
        long now = writer.QueuedAt;
        _lock.TryEnter(Reader(2), now);
        _lock.TryEnter(Writer(3), now);
        _lock.TryEnter(Reader(4), now);
        _lock.Leave(first, now);
        Assert.True(_lock.Resume(writer, now));
        _told.Clear();
        Assert.Equal(["2 wakes by 1", "4 wakes by 1"], Then(() => _lock.Leave(writer, now)));
        Assert.Equal(3, Assert.Single(_lock.Sleepers).Thread.Value);
    }

    [Fact]
    public void Reader_BesideReadersWhileSomebodySleeps_SleepsToo()
    {
        KernelOperation reader = Reader(0);
        KernelOperation writer = Writer(1);
        _lock.TryEnter(reader, 0);
        _lock.TryEnter(writer, 0);
        _lock.EndSpin(writer, writer.SpinLimit);
        Assert.False(_lock.TryEnter(Reader(2), writer.QueuedAt));
        Assert.Equal("2 sleeps", _told[^1]);
    }

    [Fact]
    public void Writer_ThatComesWhileTheLockIsFree_TakesItBeforeOneThatIsBeingWoken()
    {
        KernelOperation woken = WriterThatIsWoken(out long now);
        KernelOperation thief = Writer(2);
        Assert.True(_lock.TryEnter(thief, now));
        Assert.False(_lock.Resume(woken, now + 1));
        Assert.Equal("1 sleeps", _told[^1]);
    }

    [Fact]
    public void Writer_ThatHasSleptForFourMilliseconds_HasTheLockKeptForIt()
    {
        KernelOperation woken = WriterThatIsWoken(out long now);
        KernelOperation thief = Writer(2);
        KernelOperation late = Writer(3);
        Assert.True(_lock.TryEnter(thief, now));
        now = woken.QueuedAt + (4_000 * Microsecond) + 1;
        Assert.False(_lock.Resume(woken, now));
        Assert.Equal("kept for 1", _told[^1]);
        Assert.False(_lock.TryEnter(late, now + 1));
        _lock.Leave(thief, now + 2);
        Assert.Equal("1 takes", _told[^1]);
        _lock.Leave(woken, now + 3);
        Assert.Equal("3 takes", _told[^1]);
    }

    [Fact]
    public void Writer_ThatHasSleptForLess_Waits()
    {
        KernelOperation woken = WriterThatIsWoken(out long now);
        Assert.True(_lock.TryEnter(Writer(2), now));
        Assert.False(_lock.Resume(woken, woken.QueuedAt + (4_000 * Microsecond)));
        Assert.Equal("1 sleeps", _told[^1]);
    }

    [Fact]
    public void Downgrade_WithReadersFirstInTheQueue_WakesThemAndLimitsTheSpinner()
    {
        KernelOperation writer = Writer(0);
        KernelOperation reader = Reader(1);
        _lock.TryEnter(writer, 0);
        _lock.TryEnter(reader, 0);
        _lock.TryEnter(Writer(2), 0);
        _told.Clear();
        writer.Exclusive = false;
        Assert.Equal([$"2 to {100 + (10 * RwsemRules.LookCycles)}", "1 wakes by 0"], Then(() => _lock.Downgrade(writer, 100)));
        Assert.True(_lock.Resume(reader, 200));
    }

    [Fact]
    public void Reader_OfAnOldKernel_Spins()
    {
        Rwsem old = Make(readersSpin: true);
        KernelOperation writer = Writer(0);
        old.TryEnter(writer, 0);
        Assert.False(old.TryEnter(Reader(1), 0));
        Assert.False(old.TryEnter(Reader(2), 0));
        old.Leave(writer, 10);
        Assert.Equal(["1 takes", "2 takes"], _told);
    }

    void IRwsemSignals.Takes(KernelOperation operation) => _told.Add($"{operation.Thread} takes");

    void IRwsemSignals.Sleep(KernelOperation operation) => _told.Add($"{operation.Thread} sleeps");

    /// <summary>Another thread is due on a spinner's core: it sleeps, whoever the lock is kept for; others spin on.</summary>
    [Fact]
    public void Spinner_OnACoreThatAnotherThreadIsDueOn_Sleeps()
    {
        KernelOperation sleeper = WriterThatIsWoken(out long now);
        KernelOperation reader = Reader(2);
        Assert.True(_lock.TryEnter(reader, now));
        long late = now + (5_000 * Microsecond);
        Assert.False(_lock.Resume(sleeper, late));
        Assert.True(_lock.IsHandedOff);
        Assert.False(_lock.TryEnter(Writer(7), late + 1));
        KernelOperation other = Writer(8);
        Assert.False(_lock.TryEnter(other, late + 2));
        _lock.GiveWay(new ThreadId(7), late + 3);
        Assert.Equal("7 sleeps", _told[^2]);
        Assert.Equal($"8 to {other.SpinLimit}", _told[^1]);
        Assert.Equal(RwsemState.Spins, other.Rwsem);
        int told = _told.Count;
        _lock.GiveWay(new ThreadId(2), late + 4);
        _lock.GiveWay(new ThreadId(7), late + 5);
        Assert.Equal(told, _told.Count);
        _lock.Leave(reader, late + 6);
        Assert.Equal("1 wakes by 2", _told[^1]);
        Assert.True(_lock.Resume(sleeper, late + 7));
    }

    void IRwsemSignals.Wake(KernelOperation operation, KernelOperation waker) =>
        _told.Add($"{operation.Thread} wakes by {waker.Thread}");

    void IRwsemSignals.LockAreas(KernelOperation operation) => throw new InvalidOperationException("a lock by itself has no areas");

    void IRwsemSignals.IsKept(KernelOperation operation) => _told.Add($"kept for {operation.Thread}");

    void IRwsemSignals.SetSpinLimit(KernelOperation operation, long until) => _told.Add($"{operation.Thread} to {until}");

    private Rwsem Make(bool readersSpin) => new(new RwsemRules(Microsecond, readersSpin, Sleeps: true), this);

    /// <summary>A writer that spins, so that it takes the lock when it is free.</summary>
    private KernelOperation Sleeping(int writer)
    {
        KernelOperation operation = Writer(writer);
        Assert.False(_lock.TryEnter(operation, 15));
        return operation;
    }

    private KernelOperation WriterThatIsWoken(out long now)
    {
        KernelOperation reader = Reader(0);
        KernelOperation writer = Writer(1);
        _lock.TryEnter(reader, 0);
        _lock.TryEnter(writer, 0);
        _lock.EndSpin(writer, writer.SpinLimit);
        now = writer.QueuedAt + 1;
        _lock.Leave(reader, now);
        Assert.Equal("1 wakes by 0", _told[^1]);
        return writer;
    }

    private List<string> Then(Action action)
    {
        action();
        return _told;
    }

    private static KernelOperation Writer(int thread) => Operation(thread, writes: true);

    private static KernelOperation Reader(int thread) => Operation(thread, writes: false);

    private static KernelOperation Operation(int thread, bool writes) =>
        new() { Kind = OperationKind.Call, Thread = new ThreadId(thread), Core = new CoreId(thread), Exclusive = writes };
}
