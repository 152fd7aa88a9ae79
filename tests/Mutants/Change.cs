using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmSim.Mutants;

/// <summary>
/// One change of a source: the operators that Offutt and others found enough (ACM TOSEM 5 (2), 1996), and deleted statements.
/// </summary>
/// <param name="Old">What stands there.</param>
/// <param name="New">What stands there instead.</param>
internal sealed record Change(SyntaxNode Old, SyntaxNode New)
{
    private static readonly Dictionary<SyntaxKind, SyntaxKind[]> Operators = new()
    {
        [SyntaxKind.LessThanExpression] = [SyntaxKind.LessThanOrEqualExpression, SyntaxKind.GreaterThanOrEqualExpression],
        [SyntaxKind.LessThanOrEqualExpression] = [SyntaxKind.LessThanExpression, SyntaxKind.GreaterThanExpression],
        [SyntaxKind.GreaterThanExpression] = [SyntaxKind.GreaterThanOrEqualExpression, SyntaxKind.LessThanOrEqualExpression],
        [SyntaxKind.GreaterThanOrEqualExpression] = [SyntaxKind.GreaterThanExpression, SyntaxKind.LessThanExpression],
        [SyntaxKind.EqualsExpression] = [SyntaxKind.NotEqualsExpression],
        [SyntaxKind.NotEqualsExpression] = [SyntaxKind.EqualsExpression],
        [SyntaxKind.LogicalAndExpression] = [SyntaxKind.LogicalOrExpression],
        [SyntaxKind.LogicalOrExpression] = [SyntaxKind.LogicalAndExpression],
        [SyntaxKind.AddExpression] = [SyntaxKind.SubtractExpression],
        [SyntaxKind.SubtractExpression] = [SyntaxKind.AddExpression],
    };

    /// <summary>All changes of a file, in the order of its text.</summary>
    public static IEnumerable<Change> In(SyntaxNode root)
    {
        foreach (SyntaxNode node in root.DescendantNodes().Where(IsCode))
        {
            if (ConditionOf(node) is { } condition && !condition.IsKind(SyntaxKind.EqualsExpression)
                && !condition.IsKind(SyntaxKind.NotEqualsExpression))
            {
                yield return new Change(condition, Parse($"!({condition})").WithTriviaFrom(condition));
            }

            foreach (SyntaxNode changed in Of(node))
            {
                yield return new Change(node, changed.WithTriviaFrom(node));
            }
        }
    }

    /// <summary>What a node depends on; null for nothing.</summary>
    private static ExpressionSyntax? ConditionOf(SyntaxNode node) => node switch
    {
        IfStatementSyntax branch => branch.Condition,
        ConditionalExpressionSyntax choice => choice.Condition,
        WhileStatementSyntax loop => loop.Condition,
        ReturnStatementSyntax { Expression: { } value } when IsCondition(value) => value,
        ArrowExpressionClauseSyntax { Expression: { } value } when IsCondition(value) => value,
        _ => null,
    };

    /// <summary>Attributes, constants' names and texts are not what a protocol does.</summary>
    private static bool IsCode(SyntaxNode node) => !node.Ancestors().Any(above => above is AttributeSyntax or ParameterSyntax
        or InterpolatedStringExpressionSyntax or ThrowExpressionSyntax or ThrowStatementSyntax);

    private static IEnumerable<SyntaxNode> Of(SyntaxNode node) => node switch
    {
        BinaryExpressionSyntax binary when Operators.TryGetValue(binary.Kind(), out SyntaxKind[]? others) && !IsText(binary) =>
            others.Select(other => (SyntaxNode)Parse($"{binary.Left} {Symbol(other)} {binary.Right}")),
        LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.TrueLiteralExpression) => [Parse("false")],
        LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.FalseLiteralExpression) => [Parse("true")],
        LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.NumericLiteralExpression) => [Parse($"({literal} + 1)")],
        ExpressionStatementSyntax statement when IsGuard(statement) => [],
        ExpressionStatementSyntax
        {
            Expression: InvocationExpressionSyntax or AssignmentExpressionSyntax or PostfixUnaryExpressionSyntax,
        } => [SyntaxFactory.EmptyStatement()],
        _ => [],
    };

    private static bool IsGuard(ExpressionStatementSyntax statement) =>
        statement.ToString().StartsWith("ArgumentNullException.", StringComparison.Ordinal);

    private static ExpressionSyntax Parse(string text) => SyntaxFactory.ParseExpression(text);

    private static bool IsText(BinaryExpressionSyntax binary) => binary.DescendantNodes().Any(node =>
        node.IsKind(SyntaxKind.StringLiteralExpression) || node is InterpolatedStringExpressionSyntax);

    private static bool IsCondition(ExpressionSyntax value) => value.Kind() is SyntaxKind.LogicalAndExpression
        or SyntaxKind.LogicalOrExpression or SyntaxKind.LogicalNotExpression or SyntaxKind.IsPatternExpression
        or SyntaxKind.EqualsExpression or SyntaxKind.NotEqualsExpression or SyntaxKind.LessThanExpression
        or SyntaxKind.GreaterThanExpression;

    private static string Symbol(SyntaxKind kind) => SyntaxFacts.GetText(kind switch
    {
        SyntaxKind.LessThanExpression => SyntaxKind.LessThanToken,
        SyntaxKind.LessThanOrEqualExpression => SyntaxKind.LessThanEqualsToken,
        SyntaxKind.GreaterThanExpression => SyntaxKind.GreaterThanToken,
        SyntaxKind.GreaterThanOrEqualExpression => SyntaxKind.GreaterThanEqualsToken,
        SyntaxKind.EqualsExpression => SyntaxKind.EqualsEqualsToken,
        SyntaxKind.NotEqualsExpression => SyntaxKind.ExclamationEqualsToken,
        SyntaxKind.LogicalAndExpression => SyntaxKind.AmpersandAmpersandToken,
        SyntaxKind.LogicalOrExpression => SyntaxKind.BarBarToken,
        SyntaxKind.AddExpression => SyntaxKind.PlusToken,
        _ => SyntaxKind.MinusToken,
    });
}
