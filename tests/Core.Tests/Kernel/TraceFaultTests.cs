using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Tests.Traces;

namespace VmSim.Core.Tests.Kernel;

/// <summary>Real programs' traces take about as many faults as the programs took on a real kernel.</summary>
public sealed class TraceFaultTests
{
    [Theory]
    [InlineData("ls.vmt.gz", 117, 117 * 92 / 100, 130)]
    [InlineData("gitlog.vmt.gz", 277, 265, 295)]
    [InlineData("mt.vmt.gz", 1600, 1520, 1680)]
    public void Replay_OfARealProgram_TakesItsFaults(string trace, int native, int least, int most)
    {
        SpaceReplay replay = new(TestTraces.LoadFile(trace).Image);
        Assert.True(replay.Run());
        Assert.Equal(0, replay.Failures);
        Assert.True(
            replay.Faults >= least && replay.Faults <= most, $"{trace}: {replay.Faults} faults, {native} on a real kernel; {replay.Kinds}");
        Assert.Equal(0, replay.FramesLeakedAfterExit());
    }

    [Fact]
    public void Replay_OfForkedChildren_CopiesWhatIsWritten()
    {
        SpaceReplay replay = new(TestTraces.LoadFile("forkcow.vmt.gz").Image);
        Assert.True(replay.Run());
        Assert.Equal(0, replay.Failures);
        Assert.Equal(3, replay.ChildReplays.Count);
        Assert.All(replay.ChildReplays, child => Assert.InRange(child.Count(FaultKind.CopyOnWrite), 64, 90));
        Assert.Equal(0, replay.FramesLeakedAfterExit());
    }
}

/// <summary>Runs a program's threads in turn on one space, every access checked for its translation.</summary>
internal sealed class SpaceReplay
{
    private readonly ProgramImage _image;
    private readonly VirtualMemory _memory;
    private readonly List<Running> _threads;
    private readonly HashSet<ulong> _events = [];
    private readonly long[] _kinds = new long[(int)FaultKind.OutOfMemory + 1];

    public SpaceReplay(ProgramImage image, VirtualMemoryOptions? options = null)
    {
        FramePool pool = new(4UL << 30);
        _image = image;
        _memory = new VirtualMemory(
            new PageTable(PageTableFormats.X64), pool, new PageCache(pool), options ?? new VirtualMemoryOptions(), image.Files);
        foreach (SystemCall call in image.InitialMappings)
        {
            Assert.Null(_memory.Apply(call).Error);
        }

        if (image.InitialBreak.Value != 0)
        {
            _memory.SetInitialBreak(image.InitialBreak);
        }

        _threads = [.. image.Threads.Select(thread => new Running(thread))];
    }

    private SpaceReplay(ProgramImage image, VirtualMemory memory)
    {
        _image = image;
        _memory = memory;
        _threads = [.. image.Threads.Select(thread => new Running(thread))];
    }

    public int Failures { get; private set; }

    public long Faults => Enum.GetValues<FaultKind>().Where(kind => kind != FaultKind.Major && !kind.IsFailure()).Sum(Count);

    public List<SpaceReplay> ChildReplays { get; } = [];

    public string Kinds => string.Join(", ", Enum.GetValues<FaultKind>().Select(kind => $"{kind} {Count(kind)}"));

    public long Count(FaultKind kind) => _kinds[(int)kind];

    public bool Run()
    {
        bool moved = true;
        while (moved)
        {
            moved = false;
            for (int index = 0; index < _threads.Count; index++)
            {
                moved |= _threads[index].Started && Step(_threads[index]);
            }
        }

        return _threads.TrueForAll(thread => thread.Ended || !thread.Started);
    }

    public long FramesLeakedAfterExit()
    {
        MmResult end = _memory.Clear();
        if (end.Release is not null)
        {
            _memory.Release(end.Release);
        }

        return _memory.Frames.Allocated - _memory.Cache.CachedPages;
    }

    private bool Step(Running thread)
    {
        int done = 0;
        while (done < 1000 && !thread.Ended)
        {
            if (thread.WaitsFor is { } awaited && !_events.Contains(awaited))
            {
                return done > 0;
            }

            thread.WaitsFor = null;
            done++;
            if (!thread.Next(out Operation operation))
            {
                thread.Ended = true;
            }
            else if (operation.IsControl)
            {
                Control(thread, operation);
            }
            else
            {
                Access(operation.Kind, operation.PageAddress);
            }
        }

        return done > 0;
    }

    private void Access(AccessKind kind, ulong address)
    {
        EntryInfo leaf = _memory.Table.Query(new VirtAddr(address));
        if (leaf.Present && (kind != AccessKind.Store || (leaf.Flags & PageFlags.Write) != 0))
        {
            return;
        }

        FaultResult result = _memory.HandleFault(new VirtAddr(address), kind);
        _kinds[(int)result.Kind]++;
        Failures += result.Succeeded ? 0 : 1;
        if (result.Release is not null)
        {
            _memory.Release(result.Release);
        }
    }

    private void Control(Running thread, Operation operation)
    {
        switch (operation.Control)
        {
            case ControlKind.KernelLoad:
                Access(AccessKind.Load, operation.Argument << 12);
                break;
            case ControlKind.KernelStore:
                Access(AccessKind.Store, operation.Argument << 12);
                break;
            case ControlKind.Signal:
                _events.Add(operation.Argument);
                break;
            case ControlKind.Await:
                thread.WaitsFor = operation.Argument;
                break;
            case ControlKind.StartThread:
                _threads[(int)operation.Argument].Started = true;
                break;
            case ControlKind.Exit:
                thread.Ended = true;
                break;
            case ControlKind.Fork:
                Fork(_image.Children[(int)operation.Argument]);
                break;
            case ControlKind.SystemCall:
                MmResult result = _memory.Apply(thread.Program.SystemCalls[(int)operation.Argument]);
                Assert.Null(result.Error);
                if (result.Release is not null)
                {
                    _memory.Release(result.Release);
                }

                break;
            default:
                break;
        }
    }

    private void Fork(ProgramImage image)
    {
        VirtualMemory? child = _memory.Fork(new PageTable(PageTableFormats.X64), _memory.Frames, out MmResult effect);
        Assert.NotNull(child);
        Assert.True(effect.PagesShared > 0);
        SpaceReplay replay = new(image, child);
        Assert.True(replay.Run());
        Failures += replay.Failures;
        ChildReplays.Add(replay);
        replay._memory.Release(replay._memory.Clear().Release!);
    }

    private sealed class Running(ThreadProgram program)
    {
        private readonly IOperationStream _stream = program.Open();
        private readonly ulong[] _buffer = new ulong[256];
        private int _index;
        private int _count;

        public ThreadProgram Program => program;

        public bool Started { get; set; } = program.StartsRunnable;

        public bool Ended { get; set; }

        public ulong? WaitsFor { get; set; }

        public bool Next(out Operation operation)
        {
            if (_index == _count)
            {
                _count = _stream.Read(_buffer);
                _index = 0;
            }

            operation = _index < _count ? new Operation(_buffer[_index++]) : default;
            return _count > 0;
        }
    }
}
