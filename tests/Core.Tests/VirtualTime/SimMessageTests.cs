using System.Runtime.CompilerServices;
using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Tests.VirtualTime;

/// <summary>What is put into a message comes out of it, and of its bytes.</summary>
public sealed class SimMessageTests
{
    private static readonly Gen<ThreadId> Thread = Gen.Int[0, int.MaxValue].Select(value => new ThreadId(value));
    private static readonly Gen<VirtAddr> Address = Gen.ULong.Select(value => new VirtAddr(value));
    private static readonly Gen<Cycles> Cycles = Gen.Long[0, long.MaxValue].Select(value => new Cycles(value));
    private static readonly Gen<int> Number = Gen.Int[0, int.MaxValue];
    private static readonly Gen<InvalidationWay> Way = Gen.Enum<InvalidationWay>();

    private static readonly Gen<InvalidationScope> Scope = Gen.Select(
        Gen.Int[0, 2], Gen.ULong[0, 1UL << 24], Gen.ULong[0, 1UL << 44], Gen.Bool)
        .Select((level, page, pages, whole) =>
        {
            PageSize stride = (PageSize)(12 + (9 * level));
            return new InvalidationScope(new DeadRange(new VirtAddr(page << (int)stride), pages, stride), whole);
        });

    [Fact]
    public void Message_TakesOneCacheLine() => Assert.Equal(SimMessage.Bytes, Unsafe.SizeOf<SimMessage>());

    [Fact]
    public void PageFault_ThereAndBack() =>
        Gen.Select(Thread, Address, Gen.Enum<AccessKind>(), Gen.Bool, Gen.Long)
            .Select((thread, address, access, kernel, word) => new PageFault(thread, address, access, kernel, word))
            .Sample(fault => Check(fault, SimMessage.Of(fault), MessageKind.Fault, message => message.AsPageFault()));

    [Fact]
    public void SystemCall_ThereAndBack() =>
        Gen.Select(Thread, Number, Gen.Long).Select((thread, call, word) => new SystemCallEntry(thread, call, word))
        .Sample(call => Check(call, SimMessage.Of(call), MessageKind.SystemCall, message => message.AsSystemCall()));

    [Fact]
    public void Fork_ThereAndBack() => Gen.Select(Thread, Number).Select((thread, child) => new ForkEntry(thread, child))
        .Sample(fork => Check(fork, SimMessage.Of(fork), MessageKind.Fork, message => message.AsFork()));

    [Fact]
    public void TrapReturnAndWake_ThereAndBack() =>
        Gen.Select(Thread, Gen.Enum<TrapResult>(), Cycles, Gen.Long, Number)
            .Select((thread, result, wait, word, faults) => new TrapReturn(thread, result, wait, word, faults)).Sample(answer =>
        {
            Check(answer, SimMessage.Of(answer), MessageKind.TrapReturn, message => message.AsTrapReturn());
            Check(answer, SimMessage.OfWake(answer), MessageKind.ThreadWake, message => message.AsTrapReturn());
        });

    [Fact]
    public void TrapResumption_ThereAndBack() =>
        Gen.Select(Thread, Gen.Long).Select((thread, operation) => new TrapResumption(thread, operation)).Sample(resumption =>
        {
            Check(resumption, SimMessage.OfWake(resumption), MessageKind.ThreadResume, message => message.AsTrapResumption());
            Check(resumption, SimMessage.OfDone(resumption), MessageKind.ThreadResumed, message => message.AsTrapResumption());
        });

    [Fact]
    public void KindsOfOneThread_ThereAndBack() => Thread.Sample(thread =>
    {
        Check(new TrapSleep(thread), SimMessage.Of(new TrapSleep(thread)), MessageKind.TrapSleep, message => message.AsTrapSleep());
        Check(new LoadRequest(thread), SimMessage.Of(new LoadRequest(thread)), MessageKind.LoadSpace, message => message.AsLoadRequest());
        Check(new NeedResched(thread), SimMessage.Of(new NeedResched(thread)), MessageKind.NeedResched, message => message.AsNeedResched());
        Check(new SleepEnd(thread), SimMessage.Of(new SleepEnd(thread)), MessageKind.SleepEnd, message => message.AsSleepEnd());
    });

    [Fact]
    public void AccessedDirty_ThereAndBack() =>
        Gen.Select(Address, Gen.Bool.Select(dirty => dirty ? PageFlags.Accessed | PageFlags.Dirty : PageFlags.Accessed))
            .Select((address, bits) => new AccessedDirty(address, bits))
            .Sample(access => Check(access, SimMessage.Of(access), MessageKind.AccessedDirty, message => message.AsAccessedDirty()));

    [Fact]
    public void SpaceLoaded_ThereAndBack() =>
        Gen.Select(Thread, Gen.UShort, Gen.Long, Gen.Bool, Number)
            .Select(
                (thread, tag, generation, flush, table) => new SpaceLoaded(thread, new LoadAnswer(new Asid(tag), generation, flush, table)))
            .Sample(loaded => Check(loaded, SimMessage.Of(loaded), MessageKind.SpaceLoaded, message => message.AsSpaceLoaded()));

    [Fact]
    public void Invalidation_ThereAndBack() => Gen.Select(Number, Gen.Long, Scope, Gen.Long, Way, Gen.Select(Gen.Bool, Gen.Bool))
        .Select((space, shootdown, scope, generation, way, flags) => new Invalidation
        {
            Space = new SpaceId(space),
            Shootdown = shootdown,
            Scope = scope,
            Generation = generation,
            Way = way,
            IsReport = flags.Item1,
            TablesFreed = flags.Item2,
        })
        .Sample(
            invalidation => Check(invalidation, SimMessage.Of(invalidation), MessageKind.Invalidate, message => message.AsInvalidation()));

    [Fact]
    public void Ack_ThereAndBack() => Gen.Select(Gen.Long, Number, Cycles, Way, Gen.Bool)
        .Select((shootdown, dropped, handler, way, report) => new InvalidationAck(shootdown, dropped, handler, way, report))
        .Sample(ack => Check(ack, SimMessage.Of(ack), MessageKind.Ack, message => message.AsAck()));

    [Fact]
    public void ThreadRequests_ThereAndBack() => Gen.Select(Thread, Number, Cycles).Sample((thread, number, duration) =>
    {
        foreach (ThreadRequest request in (ThreadRequest[])
            [
                ThreadRequest.Signal(thread, number), ThreadRequest.Wait(thread, number), ThreadRequest.EnterBarrier(thread, number),
                    ThreadRequest.Lock(thread, number),
                ThreadRequest.Unlock(thread, number), ThreadRequest.Sleep(thread, duration), ThreadRequest.Start(thread, number),
                ThreadRequest.Migrate(thread, new CoreId(number)), ThreadRequest.Exit(thread),
            ])
        {
            Check(request, SimMessage.Of(request), request.Kind, message => message.AsThreadRequest());
        }

        Assert.Equal((number, number), (ThreadRequest.Signal(thread, number).Event, ThreadRequest.Wait(thread, number).Event));
        Assert.Equal((number, number), (ThreadRequest.Lock(thread, number).Mutex, ThreadRequest.Unlock(thread, number).Mutex));
        Assert.Equal(
            (number, number), (ThreadRequest.EnterBarrier(thread, number).Barrier, ThreadRequest.Start(thread, number).StartedIndex));
        Assert.Equal(
            (duration, number),
            (ThreadRequest.Sleep(thread, duration).Duration, ThreadRequest.Migrate(thread, new CoreId(number)).Target.Value));
    });

    [Fact]
    public void StepsAndTimers_ThereAndBack() => Gen.Long.Sample(number =>
    {
        for (MessageKind kind = MessageKind.OperationStart; kind <= MessageKind.DeviceDone; kind++)
        {
            OperationStep step = new(kind, number);
            Check(step, SimMessage.Of(step), kind, message => message.AsOperationStep());
        }

        Check(
            new ProtocolTimer(number),
            SimMessage.Of(new ProtocolTimer(number)),
            MessageKind.ProtocolTimer,
            message => message.AsProtocolTimer());
    });

    [Fact]
    public void HostSteps_ThereAndBack() => Gen.Select(Thread, Gen.ULong, Gen.Long).Sample((thread, page, number) =>
    {
        HostFault fault = new(thread, page);
        Check(fault, SimMessage.Of(fault), MessageKind.HostFault, message => message.AsHostFault());
        HostFlush flush = new(number);
        Check(flush, SimMessage.Of(flush), MessageKind.HostFlush, message => message.AsHostFlush());
        Check(flush, SimMessage.OfDone(flush), MessageKind.HostFlushed, message => message.AsHostFlush());
    });

    [Fact]
    public void Protocol_ThereAndBack() =>
        Gen.Select(Gen.Int[0, short.MaxValue], Gen.Long, Gen.Long, Gen.Long, Gen.Long, Gen.Bool).Sample(
            (kind, first, second, third, fourth, isPrompt) =>
    {
        ProtocolPayload payload = ProtocolPayload.Of(kind, (first, second, third, fourth)) with { IsPrompt = isPrompt };
        Check(payload, SimMessage.Of(payload), MessageKind.Protocol, message => message.AsProtocol());
    });

    [Fact]
    public void LeaveAndLazy_AreTheirKinds()
    {
        Assert.Equal(MessageKind.LeaveSpace, SimMessage.LeaveSpace().Kind);
        Assert.Equal(MessageKind.EnterLazy, SimMessage.EnterLazy().Kind);
    }

    [Fact]
    public void WriteTo_TheFieldsInOrder_LowByteFirst()
    {
        SimMessage message =
            SimMessage.Of(new InvalidationAck(5)) with { Due = 0x0102, Sender = 3, Target = 4, Sequence = 6, Space = new SpaceId(7) };
        byte[] bytes = new byte[SimMessage.Bytes];
        message.WriteTo(bytes);
        byte[] expected = new byte[SimMessage.Bytes];
        (
            expected[0],
            expected[1],
            expected[8],
            expected[12],
            expected[16],
            expected[24],
            expected[28],
            expected[32]) = (2, 1, 3, 4, 6, (byte)MessageKind.Ack, 7, 5);
        Assert.Equal(expected, bytes);
    }

    private static void Check<T>(T expected, SimMessage message, MessageKind kind, Func<SimMessage, T> read)
    {
        Assert.Equal(kind, message.Kind);
        Assert.Equal(expected, read(message));
        message.Due = 1L << 40;
        message.Sender = 3;
        message.Target = -1;
        message.Sequence = long.MaxValue;
        byte[] bytes = new byte[SimMessage.Bytes];
        message.WriteTo(bytes);
        SimMessage back = SimMessage.ReadFrom(bytes);
        Assert.Equal(message, back);
        Assert.Equal(expected, read(back));
    }
}
