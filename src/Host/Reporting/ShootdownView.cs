using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Exploring;
using VmSim.Host.Drawing;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>Shows one shootdown: as lines, and as a sequence diagram.</summary>
/// <param name="story">What happened.</param>
/// <param name="ghz">The clock of the machine.</param>
internal sealed class ShootdownView(ShootdownStory story, double ghz)
{
    /// <summary>The most targets that have lanes in a picture: more fit no page.</summary>
    private const int LanesMax = 12;

    private string Title
    {
        get
        {
            DeadRange dead = story.Record.Dead;
            string range = dead.IsWholeSpace
                ? "the whole space"
                : $"{Quantities.Of((long)dead.Pages, "page")} of {Quantities.Bytes(dead.Stride.Bytes())} from {dead.Start}";
            string wait = story.Record.Wait is { Value: >= 0 } cycles
                ? $", waited {Quantities.Exact(cycles.Value)} cycles ({Quantities.Time(cycles.Value, ghz)})"
                : "";
            return $"shootdown {story.Record.Id} of {story.Space}: {range}; {Quantities.Of(story.Record.Targets, "core")} told{wait}";
        }
    }

    /// <summary>The shootdown as lines: what it was, then message by message.</summary>
    public IEnumerable<string> Lines()
    {
        yield return Title;
        foreach (StoryMessage message in story.Messages)
        {
            string from = NameOf(message.From);
            string to = NameOf(message.To);
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{message.SentAt.Value,14:N0} {message.Due.Value,14:N0}  {from} -> {to}: {message.Text}");
        }
    }

    /// <summary>The picture: the initiator's core, the address space, the targets.</summary>
    public SequenceDiagram Diagram()
    {
        IReadOnlyList<int> targets = story.Targets;
        int[] lanes = [story.Record.Initiator.Value, story.SpaceLane, .. targets.Take(LanesMax)];
        string rest = targets.Count > LanesMax ? $"; {targets.Count - LanesMax} of {targets.Count} targets are not drawn" : "";
        return new SequenceDiagram(
            Title + rest,
            [.. lanes.Select(NameOf)],
            [
                .. story.Messages.Where(message => lanes.Contains(message.From) && lanes.Contains(message.To)).Select(message =>
                    new DiagramMessage(
                        Array.IndexOf(lanes, message.From), Array.IndexOf(lanes, message.To), message.SentAt.Value, message.Due.Value,
                        message.Text, Emphasis.None)),
            ],
            []);
    }

    private string NameOf(int lane) => lane == story.SpaceLane ? story.Space : $"core {lane}";
}
