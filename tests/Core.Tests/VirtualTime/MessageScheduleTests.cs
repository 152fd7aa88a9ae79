using VmSim.Core.Addresses;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Tests.VirtualTime;

public sealed class MessageScheduleTests
{
    [Fact]
    public void Parse_Text_IsWhatToTextWrites()
    {
        const string Text = "core 1/5 +2000, space 0/31 +2600";
        MessageSchedule schedule = MessageSchedule.Parse(Text, cores: 2);
        Assert.Equal([new MessageDelay(1, 5, 2000), new MessageDelay(2, 31, 2600)], schedule.Delays);
        Assert.Equal(Text, schedule.ToText(cores: 2));
        Assert.Empty(MessageSchedule.Parse(" ", cores: 2).Delays);
    }

    [Theory]
    [InlineData("core 2/5 +2000")]
    [InlineData("core 1/5 +0")]
    [InlineData("core 1/5")]
    [InlineData("core 1 5 2000")]
    [InlineData("core -1/5 +7")]
    [InlineData("thread 1/5 +7")]
    [InlineData("core 1/5 +7,")]
    [InlineData("core 1/5 +99999999999999")]
    public void Parse_WhatIsNone_IsRefused(string text)
    {
        ScenarioException error = Assert.Throws<ScenarioException>(() => MessageSchedule.Parse(text, cores: 2));
        Assert.StartsWith("schedule: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("are allowed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_AMessageTwice_IsRefused() =>
        Assert.Throws<ScenarioException>(() => MessageSchedule.Parse("core 1/5 +7, core 1/5 +8", cores: 2));

    /// <summary>A core's later messages to the receiver stay behind the late one; those to others do not wait.</summary>
    [Fact]
    public void Outbox_OfACore_KeepsTheOrderToOneReceiver()
    {
        Outbox outbox = new(1);
        outbox.DelayedBy(MessageSchedule.Parse("core 1/1 +1000", cores: 2).Of(1, isCore: true));
        Assert.Equal(10, Add(outbox, 10, target: 2));
        Assert.Equal(1020, Add(outbox, 20, target: 2));
        Assert.Equal(1020, Add(outbox, 30, target: 2));
        Assert.Equal(40, Add(outbox, 40, target: 3));
        Assert.Equal(15, Add(outbox, 15, target: 2));
        Assert.Equal(2000, Add(outbox, 2000, target: 2));
    }

    /// <summary>Interrupts are late alone; answers to a core stay in order.</summary>
    [Fact]
    public void Outbox_OfASpace_DelaysInterruptsAlone()
    {
        Outbox outbox = new(2);
        outbox.DelayedBy(MessageSchedule.Parse("space 0/0 +1000, space 0/2 +500", cores: 2).Of(2, isCore: false));
        SimMessage interrupt = SimMessage.Of(new Invalidation
        {
            Space = new SpaceId(0),
            Shootdown = 1,
            Scope = new InvalidationScope(DeadRange.WholeSpace, true),
        });
        Assert.Equal(1010, outbox.Add(interrupt with { Due = 10 }).Value);
        Assert.Equal(20, outbox.Add(interrupt with { Due = 20 }).Value);
        Assert.Equal(530, outbox.Add(SimMessage.Of(new TrapReturn(new ThreadId(0))) with { Due = 30 }).Value);
        Assert.Equal(40, outbox.Add(interrupt with { Due = 40 }).Value);
        Assert.Equal(530, outbox.Add(SimMessage.Of(new TrapReturn(new ThreadId(0))) with { Due = 50 }).Value);
    }

    /// <summary>What hardware does by itself comes in its time, whatever a schedule says; a protocol's other messages come late.</summary>
    [Fact]
    public void Outbox_OfASpace_HasPromptMessagesInTime()
    {
        Outbox outbox = new(2);
        outbox.DelayedBy(MessageSchedule.Parse("space 0/0 +1000, space 0/1 +500", cores: 2).Of(2, isCore: false));
        Assert.Equal(10, outbox.Add(SimMessage.Of(new ProtocolPayload(0) { IsPrompt = true }) with { Due = 10 }).Value);
        Assert.Equal(520, outbox.Add(SimMessage.Of(new ProtocolPayload(0)) with { Due = 20 }).Value);
    }

    private static long Add(Outbox outbox, long due, int target) =>
        outbox.Add(SimMessage.Of(new InvalidationAck(1)) with { Due = due, Target = target }).Value;
}
