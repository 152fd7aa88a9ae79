using VmSim.Core.Exploring;
using VmSim.Host.Drawing;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Shows a counterexample of <c>vmsim explore</c>: what each thread does, what comes later, what went wrong; and its picture.
/// </summary>
internal static class CounterexampleView
{
    /// <summary>The most lines of what went wrong.</summary>
    private const int EventLinesMax = 12;

    /// <summary>The counterexample as lines.</summary>
    public static IEnumerable<string> Lines(OrderFailure failure, RunStory story)
    {
        if (failure.World.IsScript)
        {
            yield return $"steps, after all threads have used all pages: {failure.World.Script}";
        }

        foreach (OrderDelay delay in failure.Schedule.Delays)
        {
            yield return "late: " + (delay.IsStep ? OfStep(failure.World, delay) : OfMessage(delay, story));
        }

        if (failure.Schedule.Delays.Count == 0)
        {
            yield return "nothing comes later than it would by itself";
        }

        foreach (string line in failure.Lines.Take(EventLinesMax))
        {
            yield return line;
        }
    }

    /// <summary>The picture of a counterexample.</summary>
    public static SequenceDiagram Diagram(OrderFailure failure, RunStory story, string protocol) => new(
        $"{failure.Rule} under {protocol}" + (failure.World.IsScript ? $": {failure.World.Script}" : ""),
        story.Lanes,
        [.. story.Messages.Select(message => new DiagramMessage(
            message.From,
            message.To,
            message.SentAt.Value,
            message.Due.Value,
            message.Late > 0 ? $"{message.Text}, {Quantities.Exact(message.Late.Value)} late" : message.Text,
            message.Late > 0 ? Emphasis.Late : Emphasis.None))],
        [.. story.Events.Select(told => new DiagramMark(
            told.Lane, told.Time.Value, told.Text, told.IsWrong ? Emphasis.Wrong : Emphasis.None))]);

    private static string OfStep(SmallWorld world, OrderDelay delay) =>
        $"core {delay.Who} pauses {Quantities.Exact(delay.Extra.Value)} cycles before \"{world.Threads[delay.Who][(int)delay.Which]}\"";

    private static string OfMessage(OrderDelay delay, RunStory story)
    {
        StoryMessage? message = story.Messages.FirstOrDefault(told =>
            told.From == delay.Who && told.Late > 0 && told.Sequence == delay.Which);
        string what = message is null
            ? $"message {delay.Which} of sender {delay.Who}"
            : message.From == message.To
                ? $"\"{message.Text}\" of {story.Lanes[message.From]}"
                : $"\"{message.Text}\" from {story.Lanes[message.From]} to {story.Lanes[message.To]}";
        return $"{what}, by {Quantities.Exact(delay.Extra.Value)} cycles";
    }
}
