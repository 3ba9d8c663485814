// One statement of the policy language.  Blocks are matched by compiler/syntax: `policy NAME {` and `}` are statements.
parser grammar RavelinParser;
options { tokenVocab = RavelinLexer; }

statement
  : LANGUAGE NUMBER EOF                                              # language
  | MODULE NAME (LPAREN (parameter (COMMA parameter)*)? RPAREN)? LBLOCK EOF  # module
  | POLICY NAME LBLOCK EOF                                           # policy
  | TEST NAME LBLOCK EOF                                             # test
  | EXPECT NAME item* EOF                                            # expect
  | WHEN expr LBLOCK EOF                                             # when
  | LAYERS LBRACE layerSet (COMMA layerSet)* COMMA? RBRACE EOF       # layers
  | BINDING NAME ASSIGN exprs EOF                                    # binding
  | USE item+ EOF                                                    # use
  | keyword=(IMPORT | ATTACH | ARCHITECTURES | FOREIGN | REFERENCE | UNKNOWN | ACCEPT | RAW | LIMIT | HAT | CHILD) item+ EOF  # words
  | DEFAULT VERB item* EOF                                           # defaults
  | (NAME COLON)? VERB+ NAME item* EOF                               # rule_
  ;

parameter: NAME (ASSIGN expr)?;
layerSet: NAME (PLUS NAME)*;
item: expr | COMMA | PLUS;
exprs: expr (COMMA expr)* COMMA?;

expr
  : NAME LPAREN (argument (COMMA argument)* COMMA?)? RPAREN  # call
  | LBRACE (expr (COMMA expr)* COMMA?)? RBRACE               # set
  | LPAREN expr RPAREN                                       # group
  | op=(TILDE | MINUS) expr                                  # unary
  | expr op=(SHL | SHR) expr                                 # binary
  | expr op=AMP expr                                         # binary
  | expr op=CARET expr                                       # binary
  | expr op=PIPE expr                                        # binary
  | expr RANGE expr                                          # range
  | expr op=(EQ | NE | LT | LE | GT | GE | IN) expr          # binary
  | NOT expr                                                 # not_
  | expr op=ANDAND expr                                      # binary
  | expr op=OROR expr                                        # binary
  | NAME                                                     # name
  | NUMBER                                                   # number
  | VERSION                                                  # version
  | STRING                                                   # string
  ;

argument: (NAME ASSIGN)? expr;
whole: expr EOF;
